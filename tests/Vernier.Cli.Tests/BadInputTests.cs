using Vernier.TestSupport;

namespace Vernier.Cli.Tests;

/// <summary>Bad input ends with exit code 1 and one line that says where and what.</summary>
public sealed class BadInputTests : TemporaryFolder
{
    private const string Models = "goldens/formats/gguf_models";

    private static string Model => SharedFiles.Match(Models, "q4*.gguf").Concat(SharedFiles.Match(Models, "*.gguf")).First();

    [Fact]
    public void MissingModelFile() => Assert.Contains("nowhere.gguf", CommandLine.Vernier("inspect", At("nowhere.gguf")).Refusal(), StringComparison.Ordinal);

    [Fact]
    public void NotAModelFile() => Assert.Contains("text.gguf", CommandLine.Vernier("inspect", Write("text.gguf", "hello, this is no model")).Refusal(), StringComparison.Ordinal);

    [Fact]
    public void TruncatedModelFile()
    {
        var bytes = File.ReadAllBytes(Model);
        File.WriteAllBytes(At("cut.gguf"), bytes[..(bytes.Length / 2)]);
        Assert.Contains("cut.gguf", CommandLine.Vernier("eval", At("cut.gguf"), "--task", Write("text.txt", "some words")).Refusal(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("empty.jsonl", "", "empty")]
    [InlineData("empty.txt", "", "empty")]
    [InlineData("bad.jsonl", "{\"input_ids\":[1,2,3]}\n{\"input_ids\":[1,2,", "line 2")]
    [InlineData("fields.jsonl", "{\"question\":\"what?\"}", "line 1")]
    [InlineData("ids.jsonl", "{\"input_ids\":[1,2,99999999]}", "line 1")]
    public void BadTrainingData(string name, string content, string says)
    {
        var refusal = CommandLine.Vernier("tune", Model, "--data", Write(name, content), "--steps", "1", "--out", At("run")).Refusal();
        Assert.Contains(name, refusal, StringComparison.Ordinal);
        Assert.Contains(says, refusal, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void BinaryTrainingData()
    {
        File.WriteAllBytes(At("data.txt"), [.. Enumerable.Range(0, 4000).Select(i => (byte)(i * 7))]);
        Assert.Contains("data.txt", CommandLine.Vernier("tune", Model, "--data", At("data.txt"), "--steps", "1", "--out", At("run")).Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public void AdapterOfAnotherBase()
    {
        var others = SharedFiles.Match(Models, "*.gguf").Where(p => p != Model).ToList();
        var rows = Write("rows.jsonl", "{\"input_ids\":[1,2,3,4,5,6,7,8],\"ids\":[1,2,3]}");
        Assert.Equal(0, CommandLine.Vernier("tune", Model, "--data", rows, "--steps", "1", "--batch", "1", "--out", At("run")).ExitCode);
        var refusal = CommandLine.Vernier("score", others[0], "--adapter", At("run"), "--file", rows, "--out", At("o")).Refusal();
        Assert.Matches("[0-9a-f]{64}", refusal);
    }

    [Fact]
    public void DivergingRunStopsWithTheStepAndKeepsTheLastGoodState()
    {
        var rows = Write("rows.jsonl", string.Join('\n', Enumerable.Repeat("{\"input_ids\":[1,2,3,4,5,6,7,8]}", 8)));
        var run = CommandLine.Vernier("tune", Model, "--data", rows, "--steps", "40", "--batch", "1", "--lr", "1e30", "--clip", "0", "--granularity", "group", "--out", At("run"));
        Assert.Equal(1, run.ExitCode);
        Assert.Matches("vernier: step [0-9]+: the loss is", run.Error);
        Assert.True(File.Exists(At("run/adapter_model.safetensors")));
    }

    [Fact]
    public void UnwritableFormatsAreRefusedWithThoseThatCan()
    {
        var rows = Write("rows.jsonl", "{\"input_ids\":[1,2,3,4,5,6,7,8]}");
        Assert.Equal(0, CommandLine.Vernier("tune", Model, "--data", rows, "--steps", "1", "--batch", "1", "--bits", "4", "--group", "16", "--out", At("run")).ExitCode);
        var refusal = CommandLine.Vernier("export", Model, "--adapter", At("run"), "--to", "gguf", "--out", At("o.gguf")).Refusal();
        Assert.Contains("Q4_1", refusal, StringComparison.Ordinal);
        Assert.False(File.Exists(At("o.gguf")));
    }

    [Fact]
    public void ScoreNamesTheBadLine()
    {
        var refusal = CommandLine.Vernier("score", Model, "--file", Write("rows.jsonl", "{\"ids\":[1,2,3]}\n{\"ids\":[]}"), "--out", At("o.jsonl")).Refusal();
        Assert.Contains("line 2", refusal, StringComparison.Ordinal);
        Assert.Single(File.ReadAllLines(At("o.jsonl")));
    }

    /// <summary>Cut by rule: the answer keeps what fits, and the run says which line.</summary>
    [Fact]
    public void ASampleLongerThanTheContextIsCutAndReported()
    {
        var model = TinyModelFile.Write(At("tiny.gguf"));
        var answer = string.Join(' ', Enumerable.Repeat("the lazy dog", 60));
        var data = Write("long.jsonl", $"{{\"prompt\":\"the\",\"completion\":\" quick fox\"}}\n{{\"prompt\":\"the quick\",\"completion\":\" {answer}\"}}");
        var run = CommandLine.Vernier("tune", model, "--data", data, "--steps", "1", "--batch", "1", "--context", "32", "--out", At("run"));
        Assert.Equal(0, run.ExitCode);
        var warning = Assert.Single(run.Error.Split('\n'), line => line.StartsWith("vernier: WARNING:", StringComparison.Ordinal));
        Assert.Contains("long.jsonl", warning, StringComparison.Ordinal);
        Assert.Contains("line 2", warning, StringComparison.Ordinal);
    }

    [FullDeviceFact]
    public void ANoteThatFindsNoSpaceIsSaid()
    {
        var run = CommandLine.Vernier("inspect", Model, "--json", "/dev/full");
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("space", run.Error, StringComparison.OrdinalIgnoreCase);
    }

    private sealed class FullDeviceFactAttribute : FactAttribute
    {
        public FullDeviceFactAttribute() => Skip = File.Exists("/dev/full") ? null : "/dev/full is not on this system";
    }
}
