using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Vernier.Tuning;

/// <summary><c>log.jsonl</c>: a line for every step, <c>{"step", "loss", "grad_norm", "lr", "tokens", "seconds", "rss_mb", "kept_blocks", "recomputed_blocks"}</c>, and <c>eval_loss</c>
/// where the validation loss was taken after the step; a method may add fields (l4q, qat and qat-lora: <c>clipped</c>, <c>quantization_error</c>). Steps count from 1: the line of step n holds the loss before its update, and <c>checkpoint-n</c> the state after it.
/// A line is on its way to the disk before the next step begins.</summary>
internal sealed class TuneLog : IDisposable
{
    public const string FileName = "log.jsonl";

    private readonly FileStream _file;

    /// <param name="keep">Bytes of an earlier part of the run that stay; what follows them is cut off.</param>
    public TuneLog(string folder, long keep)
    {
        _file = new FileStream(Path.Combine(folder, FileName), FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
        _file.SetLength(Math.Min(keep, _file.Length));
        _file.Seek(0, SeekOrigin.End);
    }

    public long Length => _file.Length;

    public void Write(TuneProgress at)
    {
        var eval = at.EvalLoss is { } loss ? string.Create(CultureInfo.InvariantCulture, $",\"eval_loss\":{loss:R}") : "";
        var figures = string.Concat(at.MethodFigures.Select(f => string.Create(CultureInfo.InvariantCulture, $",\"{f.Name}\":{f.Value:R}")));
        var line = string.Create(CultureInfo.InvariantCulture,
            $"{{\"step\":{at.Step},\"loss\":{at.Loss:R},\"grad_norm\":{at.GradientNorm:R},\"lr\":{at.LearningRate:R},\"tokens\":{at.Tokens},\"seconds\":{at.Seconds:F4},\"rss_mb\":{at.ResidentBytes / 1e6:F1},\"kept_blocks\":{at.KeptBlocks},\"recomputed_blocks\":{at.RecomputedBlocks}{eval}{figures}}}\n");
        _file.Write(Encoding.UTF8.GetBytes(line));
    }

    /// <summary>Waits until everything written is on the disk.</summary>
    public void FlushToDisk() => _file.Flush(flushToDisk: true);

    public void Dispose() => _file.Dispose();

    /// <summary>The lines of a log.</summary>
    /// <param name="steps">Steps of the planned schedule.</param>
    public static List<TuneProgress> Read(string folder, int steps)
    {
        var lines = new List<TuneProgress>();
        foreach (var line in File.ReadLines(Path.Combine(folder, FileName)))
        {
            using var json = JsonDocument.Parse(line);
            var at = json.RootElement;
            lines.Add(new(at.GetProperty("step").GetInt32(), steps, at.GetProperty("loss").GetDouble(), at.GetProperty("grad_norm").GetDouble(), at.GetProperty("lr").GetDouble(),
                at.GetProperty("tokens").GetInt32(), at.GetProperty("seconds").GetDouble(), (long)(at.GetProperty("rss_mb").GetDouble() * 1e6),
                at.TryGetProperty("eval_loss", out var eval) ? eval.GetDouble() : null));
        }
        return lines;
    }
}
