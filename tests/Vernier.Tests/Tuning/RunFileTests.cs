using Vernier.Options;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

public class RunFileTests
{
    [Fact]
    public void Names_are_those_of_the_command_line()
    {
        var run = RunFile.Parse("run.yaml", """
            model: models/a.gguf
            data: 'my data.jsonl'
            out: runs/1
            method: peqa
            granularity: group
            lr: 1e-2
            steps: 30
            shuffle: false
            weight-decay: 0.01
            memory-limit: 600M
            eval-every: null
            """);
        Assert.Equal(("models/a.gguf", "my data.jsonl", "runs/1"), (run.Model, run.Data, run.Output));
        Assert.Equal(new TuneOptions { Granularity = Granularity.Group, LearningRate = 0.01f, Steps = 30, Shuffle = false, WeightDecay = 0.01, MemoryLimit = 600_000_000 }, run.Options);
        Assert.Contains("lr", run.Set);
    }

    [Theory]
    [InlineData("parameterize: [factor\ntrain: scales\n")]
    [InlineData("method: [\nlr: 1\n")]
    [InlineData("method: {peqa\nlr: 1\n")]
    public void A_flow_that_is_never_closed_is_refused(string yaml) =>
        Assert.Contains("run.yaml", Assert.Throws<InvalidDataException>(() => RunFile.Parse("run.yaml", yaml)).Message, StringComparison.Ordinal);

    [Fact]
    public void What_is_written_reads_back()
    {
        using var folder = new TemporaryFolder();
        var run = new RunFile
        {
            Model = "a model's file.gguf",
            Data = "-x: y #z",
            Output = "C:\\tuned\ttoday",
            Options = new TuneOptions { Targets = @"layers\.(0|1)\..*'q_proj", LearningRate = 1.5e-7f, Epsilon = 1e-9, Schedule = ScheduleKind.Cosine, Granularity = Granularity.LowRank, MemoryLimit = 12345678901 },
        };
        run.Save(folder.At("config.yaml"));
        Assert.Contains("granularity: low-rank\n", File.ReadAllText(folder.At("config.yaml")));
        var read = RunFile.Load(folder.At("config.yaml"));
        Assert.Equal((run.Model, run.Data, run.Output, run.Options), (read.Model, read.Data, read.Output, read.Options));
    }

    [Theory]
    [InlineData("lr: 0.1\nlearning-rate: 3\n", "line 2: unknown option learning-rate")]
    [InlineData("steps: many\n", "line 1: steps is 'many', expected a whole number")]
    [InlineData("method: peqa\n\ngranularity: rows\n", "line 3: granularity is 'rows'")]
    [InlineData("lr: [1, 2]\n", "line 1: not valid: lr takes one value")]
    [InlineData("lr: 1\nlr: 2\n", "line 2")]
    [InlineData("- lr\n", "line 1: not valid: found a list, expected names")]
    [InlineData("lr: 1\n---\nlr: 2\n", "second document")]
    [InlineData("lr: &a 1\n", "the anchor &a")]
    [InlineData("lr: *a\n", "the alias *a")]
    [InlineData("&a lr: 1\n", "the anchor &a")]
    [InlineData("&a [*a, 1]\n", "not valid")]
    [InlineData("? &a [*a]\n: 1\n", "not valid")]
    [InlineData("<<: {lr: 1}\n", "not valid")]
    [InlineData("!!set {lr: 1}\n", "not valid")]
    [InlineData("lr: 'a\n", "not valid YAML")]
    public void Mistakes_are_named_with_their_line(string yaml, string message)
    {
        var e = Assert.Throws<InvalidDataException>(() => RunFile.Parse("run.yaml", yaml));
        Assert.StartsWith("run.yaml: ", e.Message);
        Assert.Contains(message, e.Message);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{")]
    [InlineData("- ")]
    [InlineData("? ")]
    [InlineData("a: [")]
    [InlineData("&a ")]
    [InlineData("! ")]
    [InlineData("a: \n ")]
    [InlineData("{a: ")]
    [InlineData("\"")]
    [InlineData("*a ")]
    public void Deep_and_long_files_are_refused_at_once(string part)
    {
        var text = string.Concat(Enumerable.Repeat(part, 200_000 / part.Length));
        foreach (var start in (string[])["", "model: ", "model: x\n"])
            Assert.Throws<InvalidDataException>(() => RunFile.Parse("run.yaml", start + text));
        Assert.Throws<InvalidDataException>(() => RunFile.Parse("run.yaml", "model: " + new string('a', 2_000_000)));
    }

    [Theory]
    [InlineData("a: b")]
    [InlineData("a #b")]
    [InlineData("two\nlines")]
    [InlineData("carriage\rreturn")]
    [InlineData("'quoted'")]
    [InlineData("\"quoted\"")]
    [InlineData("'")]
    [InlineData("\\u0041")]
    [InlineData("null")]
    [InlineData("~")]
    [InlineData("&a [*a]")]
    [InlineData(" spaces ")]
    [InlineData("\u2028\u0085\uFEFF\u0001")]
    [InlineData("smile \U0001F600\n")]
    [InlineData("--- |")]
    public void Every_value_reads_back_as_it_was(string value)
    {
        var run = new RunFile { Model = value, Options = new TuneOptions { Targets = value } };
        var read = RunFile.Parse("run.yaml", run.ToYaml());
        Assert.Equal((value, value), (read.Model, read.Options.Targets));
        var spelled = RunFile.Values(run.Options).Single(o => o.Name == "targets").Value;
        Assert.Equal(value, RunFile.Of("adapter", [YamlSettings.ReadValue("adapter", "targets", spelled)]).Options.Targets);
    }

    [Fact]
    public void An_empty_file_is_all_defaults() => Assert.Equal(new TuneOptions(), RunFile.Parse("run.yaml", "# nothing\n").Options);
}
