using System.Reflection;
using Vernier.Calibration;
using Vernier.Evaluation;
using Vernier.Generation;
using Vernier.Options;
using Vernier.Quantization;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

public sealed class OptionRulesTests
{
    private static readonly Type[] s_records = [typeof(TuneOptions), typeof(QuantizeOptions), typeof(EvaluationOptions), typeof(SamplingOptions), typeof(GenerationOptions), typeof(LoadOptions)];

    [Theory]
    [InlineData("[0, ]", "not negative", 0, true, -1, false)]
    [InlineData("(0, ]", "more than 0", 1e-30, true, 0, false)]
    [InlineData("[1, ]", "at least 1", 1, true, 0.5, false)]
    [InlineData("[, 3]", "at most 3", 3, true, 3.1, false)]
    [InlineData("[2, 8]", "2 to 8", 8, true, 9, false)]
    [InlineData("[0, 1)", "0 to below 1", 0, true, 1, false)]
    [InlineData("(0, 1]", "more than 0, at most 1", 1, true, 0, false)]
    [InlineData("(0, 1)", "more than 0, below 1", 0.5, true, 1, false)]
    [InlineData("[, ]", "any number", -1e300, true, double.NaN, false)]
    [InlineData("[0, ]", "not negative", double.MaxValue, true, double.PositiveInfinity, false)]
    public void Ranges_say_what_they_hold(string interval, string words, double a, bool holdsA, double b, bool holdsB)
    {
        var range = OptionRange.Parse(interval);
        Assert.Equal(words, range.ToString());
        Assert.Equal((holdsA, holdsB), (range.Contains(a), range.Contains(b)));
    }

    [Fact]
    public void Every_option_that_is_a_number_has_a_range_with_its_default_inside() => Assert.All(s_records, record =>
    {
        var defaults = Activator.CreateInstance(record)!;
        Assert.All(record.GetProperties().Where(p => p.GetCustomAttribute<OptionAttribute>() is not null && IsNumber(p.PropertyType)), property =>
        {
            var range = OptionRange.Parse(property.GetCustomAttribute<OptionAttribute>()!.Range!);
            Assert.True(property.GetValue(defaults) is not { } value || range.Contains(Convert.ToDouble(value)));
        });
    });

    [Fact]
    public void Values_are_the_names_that_the_lists_know()
    {
        Assert.Equal(TuningMethods.Names, About<TuneOptions>("Method").Allowed);
        Assert.Equal(QuantizationScheme.All.Select(s => s.Name), About<QuantizeOptions>("Scheme").Values);
        Assert.Superset(QuantizationScheme.All.Select(s => s.Name).ToHashSet(), About<TuneOptions>("Scheme").Allowed!.ToHashSet());
    }

    public static TheoryData<TuneOptions, string> Wrong => new()
    {
        { new() { ScaleLearningRate = -1 }, "scale-lr is -1, expected not negative" },
        { new() { LearningRate = float.NaN }, "lr is NaN, expected not negative" },
        { new() { WeightDecay = double.PositiveInfinity }, "weight-decay is Infinity, expected not negative" },
        { new() { Alpha = 0 }, "alpha is 0, expected more than 0" },
        { new() { Dropout = 1 }, "dropout is 1, expected 0 to below 1" },
        { new() { Clip = -0.5f }, "clip is -0.5, expected not negative" },
        { new() { Batch = int.MaxValue }, "batch is 2147483647, expected 1 to 65536" },
        { new() { MemoryLimit = 0 }, "memory-limit is 0, expected at least 1" },
        { new() { Granularity = (Granularity)77 }, "granularity is 77, expected channel, separable, group or low-rank" },
        { new() { Method = "peqqa" }, "method is 'peqqa', expected peqa, l4q, lora, qlora, qat, qat-lora, qa-lora, full or in-turns; did you mean 'peqa'?" }, // in-turns: OutsideMethodTests
        { new() { Batch = 65536, Accumulate = 65536 }, "batch 65536, accumulate 65536 and context 512 make 2199023255552 tokens a step, expected at most 2147483647" },
        { new() { Steps = 1, Epochs = 1 }, "steps and epochs exclude each other: give one of them" },
        { new() { Scheme = "nf4" }, "scheme nf4 goes with method qlora only, not with peqa" },
        { new() { Scheme = "gptq" }, "scheme gptq needs calibration data: quantize the model with it first, then tune the result" },
        { new() { Method = "l4q", Init = "loftq" }, "init is 'loftq', expected l4q, lsq+, symm or asymm with method l4q" },
        { new() { RankPattern = "q_proj=1.5" }, "rank-pattern: 'q_proj=1.5', expected a whole number, 1 to 16384" },
        { new() { RankPattern = "q_proj" }, "rank-pattern: 'q_proj' is not REGEX=VALUE with a positive value" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void What_makes_no_sense_is_named_in_words(TuneOptions options, string message) =>
        Assert.Equal(message, Assert.Throws<ArgumentException>(() => options.Checked()).Message);

    [Theory]
    [InlineData("lr: -0.1\n", "lr is '-0.1', expected not negative")]
    [InlineData("lr: .nan\n", "lr is '.nan', expected a number, not negative")]
    [InlineData("batch: 99999999999\n", "batch is 99999999999, expected 1 to 65536")]
    [InlineData("batch: 1.5\n", "batch is 1.5, expected a whole number, 1 to 65536")]
    [InlineData("lr: 1e308\n", "lr is 1e308, expected not negative, at most 3.402823E+38")]
    [InlineData("method: laura\n", "did you mean 'lora'?")]
    [InlineData("granularty: group\n", "unknown option granularty; did you mean 'granularity'?")]
    [InlineData("seed: 2147483648\n", "seed is 2147483648, expected -2147483648 to 2147483647")]
    public void A_run_file_has_the_same_ranges(string yaml, string message)
    {
        var e = Assert.Throws<InvalidDataException>(() => RunFile.Parse("run.yaml", "# a run\n" + yaml));
        Assert.StartsWith("run.yaml: line 2: ", e.Message);
        Assert.Contains(message.Replace("'-0.1'", "-0.1"), e.Message);
        Assert.IsType<FormatException>(e.InnerException);
    }

    [Theory]
    [InlineData("tun", "tune")]
    [InlineData("tnue", "tune")]
    [InlineData("Granularity", "granularity")]
    [InlineData("weight_decay", "weight-decay")]
    [InlineData("gran", "granularity")]
    [InlineData("x", null)]
    [InlineData("", null)]
    [InlineData("zebra", null)]
    public void The_nearest_name_is_suggested(string word, string? expected) =>
        Assert.Equal(expected, Suggestion.Nearest(word, ["tune", "granularity", "weight-decay", "quantize"]));

    private static OptionAttribute About<T>(string property) => typeof(T).GetProperty(property)!.GetCustomAttribute<OptionAttribute>()!;

    private static bool IsNumber(Type type) => (Nullable.GetUnderlyingType(type) ?? type) is var t && (t == typeof(int) || t == typeof(long) || t == typeof(float) || t == typeof(double));
}
