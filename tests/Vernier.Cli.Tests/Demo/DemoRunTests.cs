using Vernier.Cli.Demo;
using Vernier.Inspection;
using Xunit.Abstractions;

namespace Vernier.Cli.Tests.Demo;

public sealed class DemoRunTests(ITestOutputHelper output) : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("vernier-demo").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void TasksAreLearnedByScalesAndSwitchExactly()
    {
        var full = Environment.GetEnvironmentVariable("VERNIER_LONG") == "1";
        var options = full ? new DemoOptions() : new DemoOptions
        {
            StoryLines = 600,
            TaskLines = 300,
            HeldOutLines = 20,
            VocabularySize = 330,
            HiddenSize = 64,
            Layers = 2,
            Heads = 2,
            FeedForwardSize = 128,
            Context = 64,
            Batch = 4,
            Steps = 120,
            TaskSteps = 60,
        };
        using var run = new DemoRun(options with { Threads = 1 }, _folder, output.WriteLine);
        var result = run.Run();
        output.WriteLine($"{result.Parameters} parameters, {result.Seconds:F1} s");
        foreach (var row in result.Rows)
            output.WriteLine($"{row.Model,-20} {row.Stories,8:F3} {row.Backwards,8:F3} {row.Facts,8:F3}  {row.Sample}");
        foreach (var task in result.Tasks)
            output.WriteLine($"{task.Name}: {task.Bytes} bytes, {task.TrainedParameters} parameters, switched in {task.SwitchMicroseconds:F1} µs");

        Assert.True(result.CodesEqual);
        Assert.True(result.SwitchingIsExact);
        Assert.Equal(["backwards", "facts"], result.Tasks.Select(t => t.Name));
        var rounded = result.Rows[1];
        Assert.True(result.Rows[0].Stories < rounded.Stories);
        Assert.True(result.Rows[2].Backwards < rounded.Backwards);
        Assert.True(result.Rows[3].Facts < rounded.Facts);
        Assert.True(result.Rows[2].Backwards < result.Rows[3].Backwards, "each task is better on its own text");
        Assert.True(result.Rows[3].Facts < result.Rows[2].Facts, "each task is better on its own text");
        Assert.True(File.Exists(result.LossChart));
        Assert.All(result.Exports.Zip(result.Rows.Skip(1)), AssertExported);
        Assert.Equal(0, result.Exports[0].ScalesChanged);
        foreach (var (task, export) in result.Tasks.Zip(result.Exports.Skip(1)))
        {
            using var tuned = LanguageModel.Load(result.Exports[0].Path, new LoadOptions { Threads = 1 });
            using var exported = LanguageModel.Load(export.Path, new LoadOptions { Threads = 1 });
            tuned.Apply(task.Folder);
            var compared = CodeComparison.Of(tuned, exported);
            Assert.True(compared.CodesEqual == true);
            Assert.InRange(compared.MaxRelativeChange, 0, 1.5 / 1024); // rounded to fp16 twice
        }
        Assert.All(result.Exports.Skip(1), e => Assert.True(e.ScalesChanged > e.ScalesTotal / 2, $"{e.ScalesChanged} of {e.ScalesTotal} scales changed"));
    }

    [Fact]
    public void AnInterruptedDemonstrationStartsAfresh()
    {
        var options = new DemoOptions { StoryLines = 60, TaskLines = 60, HeldOutLines = 10, VocabularySize = 300, HiddenSize = 32, Layers = 1, Heads = 1, FeedForwardSize = 64, Context = 32, Batch = 2, Steps = 12, TaskSteps = 3, Threads = 1 };
        using var stop = new CancellationTokenSource();
        using (var run = new DemoRun(options, _folder, line => { if (line.StartsWith("tuning", StringComparison.Ordinal)) stop.Cancel(); }))
            Assert.ThrowsAny<OperationCanceledException>(() => run.Run(stop.Token));
        using var again = new DemoRun(options, _folder, output.WriteLine);
        Assert.True(again.Run().CodesEqual);
    }

    /// <summary>fp16 keeps 11 bits of a scale, so a factor within 2^-11 of 1 on each; a thousandth of the loss, or of one nat, is room for what that comes to.</summary>
    private static void AssertExported((DemoExport Export, DemoRow Row) pair)
    {
        var (export, row) = pair;
        Assert.True(export.CodesEqual);
        Assert.True(File.Exists(export.Path));
        foreach (var (inMemory, inFile) in (ReadOnlySpan<(double, double)>)[(row.Stories, export.Measured.Stories), (row.Backwards, export.Measured.Backwards), (row.Facts, export.Measured.Facts)])
            Assert.Equal(Math.Log(inMemory), Math.Log(inFile), 1e-3 * Math.Max(1, Math.Log(inMemory)));
        Assert.NotEmpty(export.Measured.Sample);
    }
}
