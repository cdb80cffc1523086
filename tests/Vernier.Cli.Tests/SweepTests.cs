using System.Text.Json;

namespace Vernier.Cli.Tests;

/// <summary>Several runs one after the other, and runs side by side.</summary>
public sealed class SweepTests : TemporaryFolder
{
    private string Model => File.Exists(At("m.gguf")) ? At("m.gguf") : TinyModelFile.Write(At("m.gguf"));

    private string[] Arguments(params string[] more) =>
        ["sweep", Model, "--data", Text(), "--eval-data", Text(), "--steps", "2", "--context", "16", "--threads", "1", "--out", At("sweep"), .. more];

    [Fact]
    public void EveryCombinationIsARunAndFinishedOnesAreKept()
    {
        var first = CommandLine.Vernier(Arguments("--lr", "1e-3,1e-2", "--method", "peqa,lora", "--json", "-"));
        var runs = first.Json().GetProperty("runs").EnumerateArray().ToList();
        Assert.Equal(["method-peqa_lr-1e-3", "method-peqa_lr-1e-2", "method-lora_lr-1e-3", "method-lora_lr-1e-2"], runs.Select(r => Path.GetFileName(r.GetProperty("path").GetString())));
        Assert.All(runs, run =>
        {
            Assert.Equal("finished", run.GetProperty("status").GetString());
            Assert.Equal(2, run.GetProperty("steps").GetInt32());
            foreach (var field in (string[])["trainable_parameters", "bytes", "seconds", "peak_rss_mb", "train_loss", "initial_eval", "final_eval"])
                Assert.Equal(JsonValueKind.Number, run.GetProperty(field).ValueKind);
        });
        Assert.Contains("</svg>", File.ReadAllText(At("sweep/compare.svg")), StringComparison.Ordinal);
        var written = File.GetLastWriteTimeUtc(At("sweep/method-lora_lr-1e-2/adapter_model.safetensors"));

        var more = CommandLine.Vernier(Arguments("--lr", "1e-3,1e-2,3e-2", "--method", "peqa,lora"));
        Assert.True(more.ExitCode == 0, more.Error);
        Assert.Equal(written, File.GetLastWriteTimeUtc(At("sweep/method-lora_lr-1e-2/adapter_model.safetensors")));
        Assert.Equal(4, more.Error.Split('\n').Count(line => line.Contains("finished before, kept", StringComparison.Ordinal)));
        Assert.Contains("peqa", more.Output, StringComparison.Ordinal);

        var table = CommandLine.Vernier("compare", At("sweep/method-peqa_lr-1e-3"), Model, "--svg", At("c.svg"), "--json", "-").Json().GetProperty("runs");
        Assert.Equal(["finished", "model"], table.EnumerateArray().Select(r => r.GetProperty("status").GetString()));
        Assert.Contains("</svg>", File.ReadAllText(At("c.svg")), StringComparison.Ordinal);
    }

    [Fact]
    public void ARunWithOtherOptionsIsNotTakenForThisOne()
    {
        Assert.Equal(0, CommandLine.Vernier(Arguments("--lr", "1e-3,1e-2")).ExitCode);
        Assert.Contains("other options", CommandLine.Vernier(Arguments("--lr", "1e-3,1e-2", "--batch", "1")).Error, StringComparison.Ordinal);
    }

    [Fact]
    public void ARunThatDivergesDoesNotEndTheSweep()
    {
        var run = CommandLine.Vernier(Arguments("--lr", "1e30,1e-3", "--method", "full", "--clip", "0", "--json", "-"));
        Assert.Equal(["failed", "finished"], run.Json().GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("status").GetString()));
    }

    [Theory]
    [InlineData("--lr", "1e-3,x")]
    [InlineData("--method", "peqa,nope")]
    [InlineData("--lr", "1e-3,1e-3")]
    public void AWrongValueIsWrongUsage(string option, string value) =>
        Assert.Equal(2, CommandLine.Vernier(Arguments(option, value)).ExitCode);

    [Fact]
    public void CompareNamesWhatIsMissing() =>
        Assert.Contains(At("nowhere"), CommandLine.Vernier("compare", At("nowhere")).Refusal(), StringComparison.Ordinal);

    private string Text()
    {
        File.WriteAllText(At("text.txt"), string.Concat(Enumerable.Repeat("the quick brown fox jumps over the lazy dog. ", 12)));
        return At("text.txt");
    }
}
