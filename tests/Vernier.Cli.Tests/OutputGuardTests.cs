namespace Vernier.Cli.Tests;

/// <summary>No output replaces an input, by whatever name, and nothing that is there is overwritten unasked.</summary>
public sealed class OutputGuardTests : TemporaryFolder
{
    private string Model { get; }

    public OutputGuardTests() => Model = TinyModelFile.Write(At("model.gguf"));

    [Theory]
    [InlineData("plain")]
    [InlineData("symbolic link")]
    [InlineData("hard link")]
    [InlineData("linked folder")]
    [InlineData("dots")]
    public void TheInputOfTokenizeIsKept(string how)
    {
        var input = Write("rows.jsonl", "{\"text\":\"the quick fox\"}\n");
        var refusal = CommandLine.Vernier("tokenize", Model, "--file", input, "--out", Another(input, how)).Refusal(2);
        Assert.Contains("--out", refusal, StringComparison.Ordinal);
        Assert.Contains("would overwrite --file", refusal, StringComparison.Ordinal);
        Assert.Equal("{\"text\":\"the quick fox\"}\n", File.ReadAllText(input));
    }

    [Theory]
    [InlineData("inspect MODEL --json OUT")]
    [InlineData("plan MODEL --json OUT")]
    [InlineData("verify MODEL MODEL --json OUT")]
    [InlineData("tokenize MODEL --file rows.jsonl --out OUT")]
    [InlineData("score MODEL --file rows.jsonl --out OUT")]
    [InlineData("score MODEL --file rows.jsonl --out - --json OUT")]
    [InlineData("eval MODEL --task text.txt --json OUT")]
    [InlineData("generate MODEL --prompt the --max-tokens 1 --json OUT")]
    [InlineData("bench MODEL --json OUT")]
    [InlineData("export MODEL --to gguf --out OUT")]
    [InlineData("quantize MODEL --bits 4 --group 32 --out OUT")]
    [InlineData("tune MODEL --data text.txt --steps 1 --out run --json OUT")]
    [InlineData("tune MODEL --data text.txt --steps 1 --out OUT")]
    public void TheModelIsKeptWithForceToo(string command)
    {
        var before = File.ReadAllBytes(Model);
        Write("rows.jsonl", "{\"text\":\"a\",\"ids\":[1,2]}\n");
        Write("text.txt", "the quick brown fox");
        var link = Another(Model, "hard link");
        string[] arguments = [.. command.Split(' ').Select(a => a switch { "MODEL" => Model, "OUT" => link, "run" or "rows.jsonl" or "text.txt" => At(a), _ => a })];
        Assert.Contains(command.StartsWith("verify", StringComparison.Ordinal) ? "would overwrite A" : "would overwrite MODEL", CommandLine.Vernier([.. arguments, "--force"]).Refusal(2), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(Model));
        Assert.False(Directory.Exists(At("run")));
    }

    [Theory]
    [InlineData("--data")]
    [InlineData("--eval-data")]
    public void DataOfATuningRunAreKept(string option)
    {
        var text = Write("text.txt", "the quick brown fox jumps over the lazy dog");
        Directory.CreateDirectory(At("folder"));
        var inside = Write("folder/inside.txt", "the quick brown fox");
        var (data, eval) = option == "--data" ? (inside, text) : (text, inside);
        Assert.Contains("would overwrite " + option, CommandLine.Vernier("tune", Model, "--data", data, "--eval-data", eval, "--steps", "1", "--out", At("folder")).Refusal(2), StringComparison.Ordinal);
        Assert.Contains("would overwrite " + option, CommandLine.Vernier("tune", Model, "--data", data, "--eval-data", eval, "--steps", "1", "--out", At("run"), "--json", inside).Refusal(2), StringComparison.Ordinal);
        Assert.Equal(["inside.txt"], Directory.GetFileSystemEntries(At("folder")).Select(Path.GetFileName));
    }

    [Fact]
    public void WhatARunFileNamesIsKept()
    {
        var run = Write("run.yaml", $"model: {Model}\ndata: {Write("text.txt", "the quick brown fox")}\nout: {At("text.txt")}\nsteps: 1\n");
        Assert.Contains("would overwrite --data", CommandLine.Vernier("tune", "--config", run).Refusal(2), StringComparison.Ordinal);
        Assert.Contains("would overwrite --config", CommandLine.Vernier("tune", "--config", run, "--out", At("r"), "--json", run).Refusal(2), StringComparison.Ordinal);
    }

    [Fact]
    public void AModelFolderIsKeptWhole()
    {
        Assert.Equal(0, CommandLine.Vernier("export", Model, "--to", "native", "--out", At("folder")).ExitCode);
        var before = Contents(At("folder"));
        Assert.True(Path.Exists(Another(At("folder"), "symbolic link")));
        foreach (var output in (string[])[At("folder"), At("other-folder"), At("folder/inner"), At("other-folder/config.json"), At("folder/config.json")])
            foreach (string[] command in (string[][])[["quantize", At("folder"), "--bits", "4", "--group", "32", "--out", output], ["export", At("folder"), "--to", "hf", "--out", output], ["inspect", At("folder"), "--json", output]])
                Assert.Contains("would overwrite MODEL", CommandLine.Vernier([.. command, "--force"]).Refusal(2), StringComparison.Ordinal);
        Assert.Equal(before, Contents(At("folder")));
    }

    [Fact]
    public void WhatIsThereIsReplacedOnlyWithForce()
    {
        var (rows, output) = (Write("rows.jsonl", "{\"text\":\"a\"}\n"), Write("out.txt", "mine"));
        string[][] commands = [["tokenize", Model, "--file", rows, "--out", output], ["export", Model, "--to", "gguf", "--out", output], ["inspect", Model, "--json", output]];
        foreach (var command in commands)
        {
            Assert.Contains("--force", CommandLine.Vernier(command).Refusal(2), StringComparison.Ordinal);
            Assert.Equal("mine", File.ReadAllText(output));
        }
        foreach (var command in commands)
        {
            File.WriteAllText(output, "mine");
            Assert.Equal(0, CommandLine.Vernier([.. command, "--force"]).ExitCode);
            Assert.NotEqual("mine", File.ReadAllText(output));
        }
        Directory.CreateDirectory(At("folder"));
        Write("folder/mine.txt", "mine");
        Assert.Contains("mine.txt", CommandLine.Vernier("export", Model, "--to", "hf", "--out", At("folder")).Refusal(2), StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Vernier("export", Model, "--to", "hf", "--out", At("folder"), "--force").ExitCode);
        Assert.Equal("mine", File.ReadAllText(At("folder/mine.txt")));
        Assert.True(File.Exists(At("folder/model.safetensors")));
    }

    [Fact]
    public void AResultMayReplaceAResultAndNotTheSettingsOfAModel()
    {
        Assert.Equal(0, CommandLine.Vernier("inspect", Model, "--json", Write("result.json", "{\"old\": 1}\n")).ExitCode);
        Assert.Contains("codes_sha256", File.ReadAllText(At("result.json")), StringComparison.Ordinal);
        CommandLine.Vernier("inspect", Model, "--json", Write("config.json", "{\"old\": 1}\n")).Refusal(2);
        Assert.Equal("{\"old\": 1}\n", File.ReadAllText(At("config.json")));
    }

    [Theory]
    [InlineData("data.jsonl", "{\"text\":\"mine\"}\n{\"text\":\"mine too\"}\n")]
    [InlineData("one.jsonl", "{\"text\":\"mine\"}\n")]
    [InlineData("alpaca.json", "[{\"instruction\":\"a\",\"output\":\"b\"}]\n")]
    [InlineData("chat.json", "{\"messages\":[]}\n")]
    [InlineData("task.json", "{\"Definition\":[\"a\"],\"Instances\":[]}\n")]
    [InlineData("settings.json", "{\"model_type\":\"llama\"}\n")]
    [InlineData("torn.json", "{\"a\":1} and more}\n")]
    public void AResultDoesNotReplaceDataOrSettings(string name, string content)
    {
        var path = Write(name, content);
        Assert.Contains("would overwrite a file that is there", CommandLine.Vernier("inspect", Model, "--json", path).Refusal(2), StringComparison.Ordinal);
        Assert.Equal(content, File.ReadAllText(path));
    }

    [Fact]
    public void NoResultReplacesWhatARunWroteOfItself()
    {
        var text = Write("text.txt", "the quick brown fox jumps over the lazy dog");
        Assert.Equal(0, CommandLine.Vernier("tune", Model, "--data", text, "--steps", "1", "--context", "8", "--out", At("run")).ExitCode);
        var before = Contents(At("run"));
        foreach (var file in Directory.GetFiles(At("run")))
            foreach (string[] command in (string[][])[["inspect", Model, "--json"], ["compare", At("run"), "--force", "--json"], ["compare", At("run"), "--force", "--svg"], ["eval", Model, "--task", text, "--adapter", At("run"), "--json"]])
                CommandLine.Vernier([.. command, file]).Refusal(2);
        Assert.Equal(before, Contents(At("run")));
    }

    [Theory]
    [InlineData("MODEL is empty", "inspect", "")]
    [InlineData("--json is empty", "inspect", "m", "--json", "")]
    [InlineData("--data is empty", "tune", "m", "--data", "", "--out", "o")]
    [InlineData("--out is empty", "tune", "m", "--data", "d", "--out", "")]
    [InlineData("--adapter is empty", "generate", "m", "--prompt", "", "--adapter", "")]
    public void AnEmptyPathIsWrongUsage(string expected, params string[] command) =>
        Assert.Contains(expected, CommandLine.Vernier(command).Refusal(2), StringComparison.Ordinal);

    [Theory]
    [InlineData("model-00001-of-00003.gguf")]
    [InlineData("./model-00002-of-00003.gguf")]
    public void TheOtherShardsOfAModelAreKept(string given)
    {
        foreach (var shard in (string[])["1", "2", "3"])
            File.Copy(Model, At($"model-0000{shard}-of-00003.gguf"));
        var before = File.ReadAllBytes(Model);
        foreach (string[] command in (string[][])[["export", given, "--to", "gguf", "--out"], ["quantize", given, "--bits", "4", "--group", "32", "--out"], ["inspect", given, "--json"]])
            Assert.Contains("would overwrite MODEL", CommandLine.VernierIn(At(""), [.. command, "model-00003-of-00003.gguf", "--force"]).Refusal(2), StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllBytes(At("model-00003-of-00003.gguf")));
        Assert.Equal(0, CommandLine.VernierIn(At(""), "inspect", Model, "--json", "other-00003-of-00003.gguf").ExitCode);
    }

    [Fact]
    public void AValueThatIsNoPathIsNoInput()
    {
        foreach (var name in (string[])["native", "hf", "native", "hf"])
            Assert.Equal(0, CommandLine.VernierIn(At(""), "export", Model, "--to", name, "--out", name, "--force").ExitCode);
    }

    [Fact]
    public void RowsMayReplaceTheirOwnKindAndNotData()
    {
        var rows = Write("rows.jsonl", "{\"text\":\"a\",\"ids\":[1,2]}\n");
        foreach (string[] command in (string[][])[["tokenize"], ["score"], ["tokenize", "--decode"], ["score"]])
            Assert.Equal(0, CommandLine.Vernier([command[0], Model, .. command[1..], "--file", rows, "--out", At("o")]).ExitCode);
        Assert.Contains("logprobs", File.ReadAllText(At("o")), StringComparison.Ordinal);
        CommandLine.Vernier("score", Model, "--file", rows, "--out", Write("data.jsonl", "{\"text\":\"mine\"}\n")).Refusal(2);
        Assert.Equal("{\"text\":\"mine\"}\n", File.ReadAllText(At("data.jsonl")));
    }

    [Fact]
    public void TwoOutputsMayNotBeOneFile()
    {
        var rows = Write("rows.jsonl", "{\"text\":\"a\"}\n");
        Assert.Contains("would overwrite --", CommandLine.Vernier("tokenize", Model, "--file", rows, "--out", At("o"), "--json", At("./o")).Refusal(2), StringComparison.Ordinal);
    }

    [UnixFact]
    public void StandardOutputAndDevicesAreWrittenAsTheyAre()
    {
        var rows = Write("rows.jsonl", "{\"text\":\"a\"}\n");
        Assert.Contains("\"ids\"", CommandLine.Vernier("tokenize", Model, "--file", rows, "--out", "-").Output, StringComparison.Ordinal);
        Assert.Contains("\"ids\"", CommandLine.Vernier("tokenize", Model, "--file", rows, "--out", "/dev/stdout").Output, StringComparison.Ordinal);
        Assert.Contains("codes_sha256", CommandLine.Vernier("inspect", Model, "--json", "/dev/stdout").Output, StringComparison.Ordinal);
        Assert.Equal(0, CommandLine.Vernier("tokenize", Model, "--file", rows, "--out", "/dev/null", "--json", "/dev/null").ExitCode);
    }

    [UnixFact]
    public void DevicesAndPipesAreNoInputs()
    {
        using (var pipe = System.Diagnostics.Process.Start("mkfifo", At("pipe")))
            pipe.WaitForExit();
        var rows = Write("rows.jsonl", "{\"text\":\"a\"}\n");
        Directory.CreateDirectory(At("hf"));
        File.CreateSymbolicLink(At("hf/config.json"), At("pipe"));
        foreach (var path in (string[])[At("pipe"), "/dev/zero"])
            foreach (string[] command in (string[][])[["inspect", path], ["tokenize", Model, "--file", path, "--out", "-"], ["score", Model, "--file", path, "--out", "-"],
                ["tune", Model, "--data", path, "--steps", "1", "--out", At("run")], ["tune", "--config", path], ["eval", Model, "--task", path], ["inspect", At("hf")]])
                Assert.Contains("a regular file", CommandLine.Vernier(command).Refusal(), StringComparison.Ordinal);
    }

    private static string Contents(string folder) =>
        string.Join('\n', Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal)
            .Select(f => $"{f} {(File.Exists(f) ? Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f))) : "")}"));

    /// <summary>Another name for what is there.</summary>
    private string Another(string path, string how)
    {
        var (name, other) = (Path.GetFileName(path), At("other-" + Path.GetFileName(path)));
        switch (how)
        {
            case "symbolic link":
                File.CreateSymbolicLink(other, name);
                return other;
            case "hard link":
                using (var link = System.Diagnostics.Process.Start("ln", [path, other]))
                    link.WaitForExit();
                return other;
            case "linked folder":
                Directory.CreateSymbolicLink(At("link"), ".");
                return At("link/" + name);
            case "dots":
                Directory.CreateDirectory(At("inner"));
                return At("inner/../" + name);
            default:
                return path;
        }
    }
}
