using System.Diagnostics;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Cli.Benchmark;

/// <summary>Measures prefill, decoding and tuning of a model beside the machine's own peaks, all in one run. Random token ids: speed does not depend on them.</summary>
internal static class ModelBenchmark
{
    private const int PromptTokens = 512;
    private const int DecodeTokens = 64;
    private const int TuneRows = 2;
    private const int GemmTokens = 1024;
    private const int ReadRounds = 15;
    private const int WarmUp = 3;
    private const long MostReadBytes = 512L << 20;

    /// <summary>Runs everything. The model is changed: it ends with tuned scales, until <see cref="Models.LoadedModel.Reset"/>.</summary>
    /// <param name="repetitions">Each measurement is the best of so many.</param>
    /// <param name="inferenceOnly">Prefill and decoding alone.</param>
    /// <param name="tuneMode">Arithmetic of the tuning step; inference uses the model's.</param>
    public static BenchmarkResult Run(LanguageModel model, int seed, int repetitions = 3, bool inferenceOnly = false, ComputeMode tuneMode = ComputeMode.Fp32, CancellationToken stop = default)
    {
        using var work = new WorkLease(model.Decoder, model.Compute, stop, "is being measured", letsChangesIn: true);
        var compute = model.Compute;
        var random = new Random(seed);
        stop.ThrowIfCancellationRequested();
        var ids = RandomIds(random, model.Config, PromptLength(model));
        var peak = MachinePeaks.Fp32Gflops(compute.Pool);
        var prefill = Best(repetitions, stop, () => Prefill(model, ids));
        var decode = Best(repetitions, stop, () => Decode(model, ids));
        var ofRead = DecodeBesideRead(model, repetitions, stop);
        var quantized = !inferenceOnly && model.Decoder.Linears.Any(l => l.Weight is PackedMatrix);
        var tasks = quantized ? TaskFigures.Measure(model, seed, repetitions, stop) : null;
        compute.Mode = tuneMode;
        double? gemm = inferenceOnly ? null : Gemm1024(model);
        double? tune = quantized ? Tune(model, random, seed, repetitions, stop) : null;
        peak = Math.Max(peak, MachinePeaks.Fp32Gflops(compute.Pool)); // once more: a neighbour's moment at one of the two must not make the machine look slow
        return Result(model, prefill, decode, ofRead, tasks, peak, gemm, tune);
    }

    private static BenchmarkResult Result(LanguageModel model, double prefill, double decode, PairedRatio ofRead, TaskFigures? tasks, double peak, double? gemm, double? tune) => new()
    {
        Threads = model.Compute.Pool.Threads,
        PrefillTokensPerS = prefill,
        DecodeTokensPerS = decode,
        DecodeFractionOfRead = ofRead.Median,
        DecodeReadSpread = ofRead.Spread,
        BatchTokensPerS = tasks?.OneTask,
        BatchTasksRatio = tasks?.Batch.Median,
        BatchTasksSpread = tasks?.Batch.Spread,
        ActiveTaskRatio = tasks?.Active.Median,
        ActiveTaskSpread = tasks?.Active.Spread,
        ActiveGroupTaskRatio = tasks?.ActiveGroups.Median,
        ActiveGroupTaskSpread = tasks?.ActiveGroups.Spread,
        TaskSwitchMs = tasks?.SwitchMilliseconds,
        TuneTokensPerS = tune,
        ResidentMb = ResidentMemory.Peak / 1e6,
        PeakFp32Gflops = peak,
        PeakInt8Gops = MachinePeaks.Int8Gops(model.Compute.Pool),
        ReadGbPerS = MachinePeaks.ReadGigabytesPerSecond(model.Compute.Pool),
        GemmFractionOfPeak = gemm / peak,
        TuneFractionOfPeak = tune * TrainingSpeed.StepFlopsPerToken(model.Config, PromptTokens) / (peak * 1e9),
    };

    private static int PromptLength(LanguageModel model)
    {
        var length = Math.Min(PromptTokens, model.Config.ContextLength - DecodeTokens - 1);
        return length >= 1
            ? length
            : throw new NotSupportedException($"{model.Source.Path}: a context of {model.Config.ContextLength} tokens is too short to be measured: a prompt and {DecodeTokens} tokens after it must fit");
    }

    private static int[] RandomIds(Random random, ModelConfig config, int count)
    {
        var ids = new int[count];
        for (var i = 0; i < count; i++)
            ids[i] = random.Next(config.VocabularySize);
        return ids;
    }

    private static double Best(int repetitions, CancellationToken stop, Func<double> tokensPerSecond)
    {
        tokensPerSecond(); // warm-up: code, buffers, pages
        var best = 0.0;
        for (var i = 0; i < repetitions; i++)
        {
            stop.ThrowIfCancellationRequested();
            best = Math.Max(best, tokensPerSecond());
        }
        return best;
    }

    private static double Prefill(LanguageModel model, int[] ids)
    {
        using var cache = new KvCache(model.Config, ids.Length, model.Compute.Mode == ComputeMode.Int8);
        var logits = new float[model.Config.VocabularySize];
        var start = Stopwatch.GetTimestamp();
        model.Decoder.Forward(model.Compute, ids, cache, logits);
        return ids.Length / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Decode(LanguageModel model, int[] ids)
    {
        using var cache = new KvCache(model.Config, DecodeTokens + 1, model.Compute.Mode == ComputeMode.Int8);
        var logits = new float[model.Config.VocabularySize];
        model.Decoder.Forward(model.Compute, ids.AsSpan(0, 1), cache, logits);
        var start = Stopwatch.GetTimestamp();
        for (var i = 0; i < DecodeTokens; i++)
            model.Decoder.Forward(model.Compute, ids.AsSpan(i % ids.Length, 1), cache, logits);
        return DecodeTokens / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>Decoding a token beside reading as many bytes as that reads of weights.</summary>
    private static PairedRatio DecodeBesideRead(LanguageModel model, int repetitions, CancellationToken stop)
    {
        var bytes = model.Decoder.Linears.Select(l => l.Weight).Append(model.Decoder.Head).Sum(w => w is PackedMatrix packed ? packed.BytesRead : w.Bytes);
        using var block = MachinePeaks.ReadBlock(Math.Min(bytes, MostReadBytes));
        using var cache = new KvCache(model.Config, 1, model.Compute.Mode == ComputeMode.Int8);
        var logits = new float[model.Config.VocabularySize];
        return PairedRatio.Measure(repetitions * ReadRounds, WarmUp, () => MachinePeaks.ReadSeconds(model.Compute.Pool, block) * bytes / block.Length, () =>
        {
            var start = Stopwatch.GetTimestamp();
            model.Decoder.Forward(model.Compute, [1], cache, logits);
            var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            cache.Truncate(0);
            return seconds;
        }, stop);
    }

    /// <summary>GFLOP/s of the widest layer's training product.</summary>
    private static double Gemm1024(LanguageModel model)
    {
        var weight = model.Decoder.Linears.MaxBy(l => (long)l.InFeatures * l.OutFeatures)!.Weight;
        using var x = new NativeBuffer<float>((long)GemmTokens * weight.Columns);
        using var y = new NativeBuffer<float>((long)GemmTokens * weight.Rows);
        x.Span.Fill(0.5f);
        var best = double.MaxValue;
        for (var i = 0; i < 8; i++)
        {
            var start = Stopwatch.GetTimestamp();
            Gemm.Forward(model.Compute.Pool, x.Span, GemmTokens, weight, y.Span);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return 2.0 * GemmTokens * weight.Rows * weight.Columns / best / 1e9;
    }

    private static double Tune(LanguageModel model, Random random, int seed, int repetitions, CancellationToken stop)
    {
        var options = new TuneOptions { Granularity = Granularity.Channel, Seed = seed };
        TuningMethods.Of(options).Apply(model.Decoder, options, model.Compute);
        using var optimizer = new AdamWOptimizer(model.Decoder.Parameters, options);
        var length = Math.Min(PromptTokens, model.Config.ContextLength);
        model.Decoder.KeptBlocks = ActivationPlan.For(model.Config, TuneRows * length, ResidentMemory.Available / 2).KeptBlocks;
        var ids = RandomIds(random, model.Config, TuneRows * length);
        var targets = new int[ids.Length];
        for (var i = 0; i < ids.Length; i++)
            targets[i] = (i + 1) % length == 0 ? TokenBatch.NoTarget : ids[i + 1];
        var batch = new TokenBatch(ids, [0, length, 2 * length], targets);
        return Best(repetitions, stop, () =>
        {
            var start = Stopwatch.GetTimestamp();
            optimizer.ClearGradients();
            model.Decoder.Accumulate(model.Compute, batch, 1f / batch.ScoredTokens);
            optimizer.Step(model.Compute.Pool, 0, 0, 1);
            foreach (var linear in model.Decoder.Linears)
                linear.ParametersChanged();
            return batch.Tokens / Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
    }
}
