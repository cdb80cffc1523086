using System.Globalization;
using System.Text.Json;
using Vernier.Calibration;
using Vernier.Data;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Tuning;

namespace Vernier.Bench;

/// <summary>PEQA, LoRA + GPTQ, QLoRA and L4Q on one model, one data order and one evaluation, each at its best of a few learning rates, and each measured as the
/// file that it exports: merged into integers, scales rounded to fp16, read back. Finished runs stand in <c>papers.jsonl</c> and are not repeated.</summary>
internal sealed class PapersComparison(string model, string trainText, string testText, string work, int steps, int windows)
{
    private const int Context = 512;
    private const long Memory = 4L << 30; // nothing is recomputed: quality is compared here, not memory
    private static readonly QuantizeOptions s_gptq = new() { Scheme = "gptq", ActivationOrder = true, Samples = 32, Context = Context };

    /// <summary>Runs what is missing, then writes <c>papers.md</c> and <c>papers.svg</c>.</summary>
    /// <param name="only">Missing runs to do now at most, each one method at one learning rate; the next call goes on.</param>
    public void Run(string output, int only)
    {
        Directory.CreateDirectory(work);
        Directory.CreateDirectory(output);
        var log = Path.Combine(work, "papers.jsonl");
        var done = File.Exists(log) ? File.ReadLines(log).Select(l => JsonSerializer.Deserialize<PapersResult>(l)!).ToList() : [];
        var missing = PapersRun.All.SelectMany(r => r.Rates.Select((rate, i) => (Run: r, Rate: rate, Turn: i)))
            .OrderBy(m => m.Turn) // a table of all methods first, then the other rates
            .Where(m => !done.Any(d => d.Name == m.Run.Name && d.Rate == m.Rate && d.Steps == Steps(m.Rate) && d.Windows == windows)).ToList();
        foreach (var (run, rate, _) in missing.Take(only))
        {
            var result = Measure(run, rate);
            done.Add(result);
            File.AppendAllText(log, JsonSerializer.Serialize(result) + "\n");
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Name}, lr {rate:G2}: perplexity {result.Perplexity:F2} in {result.Seconds:F0} s"));
        }
        var measured = PapersRun.All.Select(r => done.Where(d => d.Name == r.Name && d.Steps == Steps(d.Rate) && d.Windows == windows).OrderBy(d => d.Rate).ToArray()).Where(r => r.Length > 0).ToList();
        PapersReport.Write(output, measured, $"{Path.GetFileName(model)}, {steps} steps of {Context} tokens of {Path.GetFileName(trainText)}, perplexity on the first {windows} windows of {Context} tokens of {Path.GetFileName(testText)}");
    }

    private int Steps(float rate) => rate == 0 ? 0 : steps;

    private PapersResult Measure(PapersRun run, float rate)
    {
        var started = TimeProvider.System.GetTimestamp();
        var exported = Path.Combine(work, "exported.gguf");
        var trained = 0L;
        using (var loaded = LanguageModel.Load(model))
        {
            if (run.Options is { } options)
                trained = Tune(loaded, options, rate);
            if (run.Gptq is { } bits)
            {
                // It reads the effective weights, so a path beside them is merged in full precision on the way.
                var gptq = s_gptq with { Bits = bits };
                ModelQuantizer.Quantize(loaded.Decoder, loaded.Compute, gptq, CalibrationData.Load(loaded, trainText, gptq, seed: 1));
            }
            else if (LossyMerge.IsNeeded(loaded))
                LossyMerge.Apply(loaded);
            GgufExport.Write(loaded, exported);
        }
        using var back = LanguageModel.Load(exported);
        using var scorer = new DecoderScorer(back.Decoder, back.Compute);
        var perplexity = new Perplexity(scorer, back.Tokenizer!, back.Config.ContextLength).Measure("test", testText, new EvaluationOptions { Context = Math.Min(Context, back.Config.ContextLength), Windows = windows });
        return new PapersResult(run.Name, rate, Steps(rate), windows, rate == 0 ? 0 : trained, new FileInfo(exported).Length, perplexity.Perplexity, TimeProvider.System.GetElapsedTime(started).TotalSeconds);
    }

    /// <summary>Tunes and merges; a rate of 0 only quantizes.</summary>
    private long Tune(LanguageModel loaded, TuneOptions options, float rate)
    {
        var method = TuningMethods.Of(options);
        var trained = 0L;
        if (rate == 0)
            method.Apply(loaded.Decoder, options, loaded.Compute);
        else
        {
            options = options with { LearningRate = rate, Steps = steps, Context = Context, Batch = 1, Shuffle = false, MemoryLimit = Memory };
            var folder = Path.Combine(work, "run");
            if (Directory.Exists(folder))
                Directory.Delete(folder, recursive: true);
            trained = new Tuner(loaded, options, TrainingData.Load(trainText, loaded, options.Rows), null, folder).Run().TrainableParameters;
        }
        method.Merge(loaded.Decoder);
        return trained;
    }
}
