namespace Vernier.Cli.Tests;

/// <summary>bench --list: the table of kernels.</summary>
public sealed class BenchListTests
{
    [Fact]
    public void EveryShapeOfAProductHasOneBody()
    {
        var rows = CommandLine.Vernier("bench", "--list", "--json", "-").Json().GetProperty("rows");
        foreach (var product in rows.EnumerateArray().GroupBy(row => row.GetProperty("product").GetString()).Where(p => p.Key!.EndsWith("forward", StringComparison.Ordinal)))
        {
            var shapes = product.SelectMany(row => row.GetProperty("chosen_for").EnumerateArray()).Select(shape => shape.ToString()).ToList();
            Assert.NotEmpty(shapes);
            Assert.Equal(shapes.Count, shapes.Distinct().Count());
        }
        var text = CommandLine.Vernier("bench", "--list").Output;
        Assert.All(rows.EnumerateArray(), row => Assert.Contains(row.GetProperty("body").GetString()!, text, StringComparison.Ordinal));
    }

    [Fact]
    public void WrongUsage()
    {
        Assert.Contains("--list", CommandLine.Vernier("bench").Refusal(2), StringComparison.Ordinal);
        CommandLine.Vernier("bench", "model.gguf", "--list").Refusal(2);
    }
}
