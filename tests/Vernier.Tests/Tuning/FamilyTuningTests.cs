using Vernier.Adapters;
using Vernier.Data;
using Vernier.Models;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

/// <summary>Every method on the families whose blocks are built in another way: the loss falls, and the adapter computes the same on a fresh model.</summary>
public class FamilyTuningTests
{
    private const string Folders = "goldens/families";

    private static readonly string[] s_families =
    [
        "falcon", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "granite", "llama-dynamic", "mixtral", "olmo2", "phi3", "phi3-longrope", "qwen2_moe", "qwen3_moe", "smollm3", "starcoder2",
    ];

    public static TheoryData<string, string> Runs()
    {
        var runs = new TheoryData<string, string>();
        foreach (var folder in SharedFiles.SubFolders(Folders).Where(f => s_families.Contains(Path.GetFileName(f))))
            foreach (var method in TuningMethods.Names.Where(name => name != "test-method")) // that one lives in another test
                runs.Add(SharedFiles.NameOf(folder), method);
        return runs;
    }

    [SharedTheory(Folders)]
    [MemberData(nameof(Runs))]
    public void The_loss_falls_and_the_adapter_says_why(string name, string method)
    {
        using var folder = new TemporaryFolder();
        var options = TuneOptionsOf(method);
        using var tuned = Load(name);
        var before = Loss(tuned);
        var data = Data(tuned);
        var result = new Tuner(tuned.Decoder, tuned.Compute, name, () => tuned.CodesSha256(), options, data, data, folder.Path).Run();
        Assert.True(result.FinalEval < result.InitialEval - 0.02, $"{result.InitialEval} -> {result.FinalEval}");
        Assert.True(result.CodesEqual is not false);
        using var fresh = Load(name);
        Assert.Equal(before, Loss(fresh));
        var adapter = Adapter.Load(folder.Path);
        adapter.ApplyTo(fresh.Decoder, fresh.Compute, name, () => fresh.CodesSha256());
        Assert.Equal(Loss(tuned), Loss(fresh));
        adapter.Merge(fresh.Decoder, fresh.Compute);
        Assert.Equal(Loss(tuned), Loss(fresh), 1e-3); // merged factors are rounded once more
    }

    private static TuneOptions TuneOptionsOf(string method) => new()
    {
        Method = method,
        Bits = method is "lora" or "full" ? null : 4,
        Scheme = method == "alphatuning" ? "bcq" : "rtn",
        Group = 8,
        Batch = 2,
        Steps = 12,
        LearningRate = 0.01f,
    };

    private static TrainingData Data(LanguageModel model) =>
        TrainingData.FromSequences(Enumerable.Range(0, 4).Select(r => Enumerable.Range(0, 20 + r).Select(t => (r * 5 + t * (r % 2 + 1)) % 40).ToArray()), "rows", model.Config);

    private static LanguageModel Load(string name) => LanguageModel.Load(SharedFiles.At(name), new LoadOptions { Threads = 2 });

    private static double Loss(LanguageModel model)
    {
        int[] ids = [.. Enumerable.Range(0, 24)];
        return model.Decoder.SumNegativeLogLikelihood(model.Compute, new TokenBatch(ids, [0, 10, 24], [.. ids.Select(i => (i * 7 + 3) % 50)]));
    }
}
