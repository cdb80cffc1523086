using LLama;
using LLama.Common;
using LLama.Native;

namespace Vernier.LlamaCpp.Tests;

/// <summary>llama.cpp itself, as LLamaSharp brings it: its body for this CPU is chosen when it is loaded.</summary>
internal static class LlamaCpp
{
    private static readonly Lazy<string?> s_whyNot = new(Load);

    /// <summary>Why the library cannot be used here; null where it can.</summary>
    public static string? WhyNot => s_whyNot.Value;

    /// <summary>The log-probability of every id but the first, given all before it.</summary>
    /// <param name="path">A GGUF file, or the first of a split one.</param>
    public static double[] Score(string path, int[] ids)
    {
        var length = (uint)ids.Length;
        var parameters = new ModelParams(path) { ContextSize = length, BatchSize = length, UBatchSize = length, GpuLayerCount = 0, Threads = 2, FlashAttention = false };
        using var weights = LLamaWeights.LoadFromFile(parameters);
        using var context = weights.CreateContext(parameters);
        var batch = new LLamaBatch();
        for (var i = 0; i < ids.Length; i++)
            batch.Add(ids[i], i, LLamaSeqId.Zero, logits: true);
        Assert.Equal(DecodeResult.Ok, context.NativeHandle.Decode(batch));
        return [.. Enumerable.Range(0, ids.Length - 1).Select(i => LogProbability(context.NativeHandle.GetLogitsIth(i), ids[i + 1]))];
    }

    private static double LogProbability(ReadOnlySpan<float> logits, int id)
    {
        var most = double.NegativeInfinity;
        foreach (var logit in logits)
            most = Math.Max(most, logit);
        var sum = 0.0;
        foreach (var logit in logits)
            sum += Math.Exp(logit - most);
        return logits[id] - most - Math.Log(sum);
    }

    private static string? Load()
    {
        try
        {
            NativeLibraryConfig.All.WithLogCallback((_, _) => { });
            if (!NativeLibraryConfig.All.DryRun(out _, out _))
                return "llama.cpp cannot be loaded: LLamaSharp has no library for this machine";
            NativeApi.llama_empty_call();
            return null;
        }
        catch (Exception e) when (e is TypeInitializationException or DllNotFoundException or EntryPointNotFoundException or BadImageFormatException or LLama.Exceptions.RuntimeError)
        {
            return $"llama.cpp cannot be loaded: {e.GetBaseException().Message}";
        }
    }
}

/// <summary>A test that llama.cpp takes part in; skipped with the reason where it cannot be loaded, or where a reference file is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LlamaCppFactAttribute : FactAttribute
{
    public LlamaCppFactAttribute(params string[] needs) => Skip = LlamaCpp.WhyNot ?? needs.Select(TestSupport.SharedFiles.WhyMissing).FirstOrDefault(why => why is not null);
}

/// <summary>A theory that llama.cpp takes part in; skipped with the reason where it cannot be loaded, or where a reference file is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LlamaCppTheoryAttribute : TheoryAttribute
{
    public LlamaCppTheoryAttribute(params string[] needs) => Skip = LlamaCpp.WhyNot ?? needs.Select(TestSupport.SharedFiles.WhyMissing).FirstOrDefault(why => why is not null);
}
