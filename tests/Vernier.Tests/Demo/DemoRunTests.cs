using Vernier.Demo;
using Xunit.Abstractions;

namespace Vernier.Tests.Demo;

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
    }
}
