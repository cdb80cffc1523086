using System.Text.Json;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

public class LearningRateScheduleTests
{
    public static TheoryData<string> References => [.. SharedFiles.Match("goldens/optim", "schedules.json").Select(SharedFiles.NameOf)];

    [Theory]
    [InlineData(30)]
    [InlineData(7)]
    [InlineData(1)]
    [InlineData(1000)]
    public void The_default_is_the_documented_formula(int steps)
    {
        var schedule = LearningRateSchedule.Create(ScheduleKind.Linear, steps, null);
        var warmup = Math.Max(1, steps / 10);
        for (var k = 0; k < steps; k++)
            Assert.Equal(Math.Min((k + 1.0) / warmup, steps == warmup ? 1 : (double)(steps - k) / (steps - warmup)), schedule.Factor(k), 1e-12);
    }

    [Theory]
    [MemberData(nameof(References))]
    public void Decay_is_that_of_the_reference_and_warm_up_is_one_step_ahead_of_it(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(SharedFiles.At(file)));
        var compared = 0;
        foreach (var reference in json.RootElement.GetProperty("schedules").EnumerateObject().Select(s => s.Value))
        {
            if (Kind(reference.GetProperty("name").GetString()!) is not { } kind)
                continue;
            var (warmup, steps) = (reference.GetProperty("warmup").GetInt32(), reference.GetProperty("total").GetInt32());
            var factors = reference.GetProperty("factor").EnumerateArray().Select(f => f.GetDouble()).ToArray();
            var schedule = new LearningRateSchedule(kind, steps, warmup);
            for (var k = 0; k < steps; k++, compared++)
                Assert.Equal(k < warmup ? (k + 1.0) / warmup : factors[k], schedule.Factor(k), 1e-12);
        }
        Assert.True(compared > 0);
    }

    [Fact]
    public void A_share_gives_the_warm_up() => Assert.Equal(25, LearningRateSchedule.Create(ScheduleKind.Cosine, 100, 0.25).Warmup);

    private static ScheduleKind? Kind(string name) => name switch
    {
        "linear" => ScheduleKind.Linear,
        "cosine" => ScheduleKind.Cosine,
        "constant" or "constant_with_warmup" => ScheduleKind.Constant,
        _ => null,
    };
}
