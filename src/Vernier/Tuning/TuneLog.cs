using System.Globalization;
using System.Text;
using System.Text.Json;
using Vernier.Files.Disk;

namespace Vernier.Tuning;

/// <summary><c>log.jsonl</c>: a line for every step, <c>{"step", "loss", "grad_norm", "lr", "tokens", "seconds", "rss_mb", "kept_blocks", "recomputed_blocks"}</c>, and <c>eval_loss</c>
/// where the validation loss was taken after the step; a method may add fields (l4q, qat and qat-lora: <c>clipped</c>, <c>quantization_error</c>). Steps count from 1: the line of step n holds the loss before its update, and <c>checkpoint-n</c> the state after it.
/// A line is on its way to the disk before the next step begins.</summary>
internal sealed class TuneLog : IDisposable
{
    public const string FileName = "log.jsonl";

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

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
    /// <exception cref="InvalidDataException">A line is damaged: path and line.</exception>
    public static List<TuneProgress> Read(string folder, int steps)
    {
        var path = Path.Combine(folder, FileName);
        return [.. File.ReadLines(path).Select((line, i) => Parse(path, i + 1, line, steps))];
    }

    /// <summary>Checks the part of a log that a checkpoint goes on from: it must hold every step up to the checkpoint's, once and in order.</summary>
    /// <exception cref="InvalidDataException">It is missing, shorter than it was, or damaged: path and line, found and expected.</exception>
    public static void RequireWhole(string folder, string checkpoint, CheckpointState state)
    {
        var path = Path.Combine(folder, FileName);
        var expected = $"the {state.LogBytes} bytes of {state.LoggedSteps} steps that {Path.GetFileName(checkpoint)} goes on from";
        if (!File.Exists(path))
            throw new InvalidDataException($"{path}: line 1: found nothing, the log is missing, expected {expected}");
        var line = 0;
        using (var file = InputFile.OpenRead(path))
        using (var text = new StreamReader(file, s_utf8))
            for (var bytes = 0L; line < state.LoggedSteps && text.ReadLine() is { } content; line++)
            {
                bytes += s_utf8.GetByteCount(content) + 1;
                var at = Parse(path, line + 1, content, state.Steps);
                if (at.Step != line + 1)
                    throw new InvalidDataException($"{path}: line {line + 1}: found step {at.Step}, expected {line + 1}");
                if (line + 1 == state.LoggedSteps && bytes != state.LogBytes)
                    throw new InvalidDataException($"{path}: line {line + 1}: ends at byte {bytes}, expected {expected}");
            }
        if (line < state.LoggedSteps || new FileInfo(path).Length < state.LogBytes)
            throw new InvalidDataException($"{path}: line {line + 1}: found the end of the log, expected {expected}");
    }

    private static TuneProgress Parse(string path, int number, string line, int steps)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var at = json.RootElement;
            return new(at.GetProperty("step").GetInt32(), steps, at.GetProperty("loss").GetDouble(), at.GetProperty("grad_norm").GetDouble(), at.GetProperty("lr").GetDouble(),
                at.GetProperty("tokens").GetInt32(), at.GetProperty("seconds").GetDouble(), (long)(at.GetProperty("rss_mb").GetDouble() * 1e6),
                at.TryGetProperty("eval_loss", out var eval) ? eval.GetDouble() : null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InvalidDataException($"{path}: line {number}: found no line of a log, expected JSON with step, loss, grad_norm, lr, tokens, seconds and rss_mb", e);
        }
    }
}
