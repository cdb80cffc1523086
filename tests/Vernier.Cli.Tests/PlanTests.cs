using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>plan: by shape, and of a file.</summary>
public sealed class PlanTests : TemporaryFolder
{
    private const string Gguf = "goldens/formats/gguf_models";

    [Fact]
    public void APublishedShapeGivesThePapersFigures()
    {
        var plan = CommandLine.Vernier("plan", "--shape", "llama-65b", "--bits", "4", "--granularity", "channel", "--json", "-").Json();
        Assert.Equal("peqa", plan.GetProperty("method").GetString());
        Assert.Equal(6_799_360, plan.GetProperty("trainable_parameters").GetInt64());
        Assert.Equal(33.45, plan.GetProperty("model_bytes").GetInt64() / 1e9, 0.01);
        Assert.Equal(8 * 6_799_360, plan.GetProperty("optimizer_bytes").GetInt64());
        Assert.True(plan.GetProperty("resident_bytes").GetInt64() > plan.GetProperty("activation_bytes").GetInt64());
        var table = CommandLine.Vernier("plan", "--shape", "llama-65b");
        Assert.All(["peqa", "l4q", "lora", "qlora", "qat", "qat-lora", "qa-lora", "full", "10.486 M"], text => Assert.Contains(text, table.Output, StringComparison.Ordinal));
    }

    [Fact]
    public void AModelIsPlannedFromItsHeaders()
    {
        var model = SharedFiles.Match(Gguf, "*.gguf").First(p => p.Contains("q4", StringComparison.OrdinalIgnoreCase));
        var rows = Write("rows.jsonl", "{\"input_ids\":[3,4,5,6,7,8,9]}\n{\"input_ids\":[3,5,7,9,11]}\n");
        foreach (string[] options in (string[][])[["--granularity", "channel"], ["--granularity", "group"], ["--granularity", "low-rank", "--rank", "3"], ["--method", "lora", "--targets", "all"], ["--method", "l4q", "--bits", "4", "--group", "32"], ["--method", "qat", "--bits", "3"]])
        {
            var plan = CommandLine.Vernier(["plan", model, "--json", "-", .. options]).Json();
            var run = CommandLine.Vernier(["tune", model, "--data", rows, "--steps", "1", "--out", At(string.Concat(options)), "--json", "-", .. options]).Json();
            Assert.Equal(run.GetProperty("trainable_parameters").GetInt64(), plan.GetProperty("trainable_parameters").GetInt64());
        }
    }

    [Fact]
    public void WrongUsage()
    {
        CommandLine.Vernier("plan").Refusal(2);
        CommandLine.Vernier("plan", "a.gguf", "--shape", "llama-7b").Refusal(2);
        Assert.Contains("llama-7b", CommandLine.Vernier("plan", "--shape", "llama-8b").Refusal(2), StringComparison.Ordinal);
        Assert.Contains("nothere.gguf", CommandLine.Vernier("plan", "nothere.gguf").Refusal(), StringComparison.Ordinal);
    }
}
