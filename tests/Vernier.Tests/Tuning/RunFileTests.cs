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
    [InlineData("lr: [1, 2]\n", "line 1: lr takes one value")]
    [InlineData("lr: 1\nlr: 2\n", "line 2")]
    [InlineData("- lr\n", "line 1: expected names")]
    [InlineData("lr: 'a\n", "not valid YAML")]
    public void Mistakes_are_named_with_their_line(string yaml, string message)
    {
        var e = Assert.Throws<InvalidDataException>(() => RunFile.Parse("run.yaml", yaml));
        Assert.StartsWith("run.yaml: ", e.Message);
        Assert.Contains(message, e.Message);
    }

    [Fact]
    public void An_empty_file_is_all_defaults() => Assert.Equal(new TuneOptions(), RunFile.Parse("run.yaml", "# nothing\n").Options);
}
