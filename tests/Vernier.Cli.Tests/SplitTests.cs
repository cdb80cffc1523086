using Vernier.Files.Gguf;

namespace Vernier.Cli.Tests;

/// <summary>export and quantize --split: a GGUF file as several, which every verb reads as one.</summary>
public sealed class SplitTests : TemporaryFolder
{
    private string Model => File.Exists(At("tiny.gguf")) ? At("tiny.gguf") : TinyModelFile.Write(At("tiny.gguf"));

    [Fact]
    public void ASplitIsWrittenInspectedTunedAndJoined()
    {
        var data = Write("data.jsonl", """{"text": "the quick brown fox"}""");
        var split = CommandLine.Vernier("export", Model, "--to", "gguf", "--split", "40K", "--out", At("s.gguf"), "--json", "-").Json();
        var (first, count) = (split.GetProperty("path").GetString()!, split.GetProperty("shards").GetInt32());
        Assert.True(count > 1);
        Assert.Equal(At($"s-00001-of-{count:D5}.gguf"), first);
        var second = At($"s-00002-of-{count:D5}.gguf");
        Assert.Equal((count, 2), CommandLine.Vernier("inspect", second, "--json", "-").Json() is var json ? (json.GetProperty("shards").GetInt32(), json.GetProperty("shard").GetInt32()) : default);
        Assert.Contains($"gguf in {count} shards, of which this is number 2", CommandLine.Vernier("inspect", second).Output, StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Vernier("tune", second, "--data", data, "--steps", "2", "--lr", "0.05", "--out", At("run")).ExitCode);
        foreach (var (name, more) in ((string, string[])[])[("one.gguf", []), ("again.gguf", ["--split", "40K"])])
        {
            var tuned = CommandLine.Vernier(["export", first, "--adapter", At("run"), "--to", "gguf", "--out", At(name), "--json", "-", .. more]).Json().GetProperty("path").GetString()!;
            var verified = CommandLine.Vernier("verify", first, tuned, "--json", "-").Json();
            Assert.True(verified.GetProperty("codes_equal").GetBoolean());
            Assert.True(verified.GetProperty("scales_changed").GetInt64() > 0);
            using var file = GgufFile.Open(tuned);
            Assert.Equal(name == "one.gguf" ? 1 : count, file.Shards);
        }
    }

    [Fact]
    public void NothingThatIsThereIsOverwritten()
    {
        string[] export = ["export", Model, "--to", "gguf", "--split", "40K", "--out", At("s.gguf")];
        Assert.Equal(0, CommandLine.Vernier(export).ExitCode);
        var first = Directory.EnumerateFiles(At(""), "s-00001-of-*").Single();
        Assert.Contains($"--split would overwrite {first}", CommandLine.Vernier(export).Refusal(2), StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Vernier([.. export, "--force"]).ExitCode);
        Assert.Contains("would overwrite MODEL", CommandLine.Vernier("export", first, "--to", "gguf", "--split", "80K", "--out", At("s.gguf"), "--force").Refusal(2), StringComparison.Ordinal);
        Assert.Contains("--split is for gguf", CommandLine.Vernier("quantize", Model, "--bits", "4", "--split", "1G", "--out", At("folder")).Refusal(2), StringComparison.Ordinal);
    }
}
