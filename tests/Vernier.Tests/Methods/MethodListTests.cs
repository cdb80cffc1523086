using Vernier.Methods.AlphaTuning;
using Vernier.Methods.Peqa;
using Vernier.Methods.Qlora;
using Vernier.Tuning;

namespace Vernier.Tests.Methods;

/// <summary>How a method is found, and what only some of them answer.</summary>
public sealed class MethodListTests
{
    [Fact]
    public void A_method_is_found_by_name_then_by_scheme()
    {
        Assert.IsType<PeqaMethod>(TuningMethods.Of(new TuneOptions()));
        Assert.IsType<PeqaMethod>(TuningMethods.Of(new TuneOptions { Method = "peqa", Scheme = "mse" }));
        Assert.IsType<AlphaTuningMethod>(TuningMethods.Of(new TuneOptions { Method = "peqa", Scheme = "bcq" }));
        Assert.IsType<QloraMethod>(TuningMethods.Of(new TuneOptions { Method = "qlora", Scheme = "nf4" }));
        Assert.IsType<QloraMethod>(TuningMethods.Of(new TuneOptions { Method = "qlora", Scheme = "bcq" })); // refused by the rules, which say whose the scheme is
        Assert.Equal(("peqa", "qlora", null), (TuningMethods.OwnerOf("bcq"), TuningMethods.OwnerOf("nf4"), TuningMethods.OwnerOf("rtn")));
    }

    [Theory]
    [InlineData("bcq", null, TrainedState.Scales, "give --bits 2 to")]
    [InlineData("bcq", 3, TrainedState.Both, "no zero points")]
    public void Binary_codes_have_rules_of_their_own(string scheme, int? bits, TrainedState train, string says) =>
        Assert.Contains(says, Assert.Throws<ArgumentException>(() => new TuneOptions { Scheme = scheme, Bits = bits, Train = train }.Checked()).Message);

    [Theory]
    [InlineData("peqa", "rtn", true, "gguf")]
    [InlineData("l4q", "rtn", true, "gguf")]
    [InlineData("qa-lora", "rtn", false, "native")]
    [InlineData("peqa", "bcq", true, "hf")]
    [InlineData("lora", "rtn", true, "hf")]
    [InlineData("qlora", "rtn", true, "hf")]
    [InlineData("qat-lora", "rtn", false, "hf")]
    [InlineData("full", "rtn", true, "hf")]
    public void The_export_that_suits_is_one_that_holds_the_result(string method, string scheme, bool gguf, string format)
    {
        var options = new TuneOptions { Method = method, Scheme = scheme };
        Assert.Equal(format, TuningMethods.Of(options).Export(options, new ExportSource(IsQuantized: true, gguf)).Format);
    }

    [Fact]
    public void Scales_of_K_quants_go_back_a_factor_a_super_block()
    {
        var source = new ExportSource(IsQuantized: true, IsGguf: true, HasKQuants: true);
        foreach (var (granularity, anything, format) in new[] { (Granularity.Channel, true, "gguf"), (Granularity.Separable, false, "gguf"), (Granularity.Group, false, "gguf"), (Granularity.Group, true, "native") })
            Assert.Equal(format, TuningMethods.Of(new TuneOptions()).Export(new TuneOptions { Granularity = granularity, AllowUnexportable = anything }, source).Format);
        var learned = new TuneOptions { Method = "l4q" };
        Assert.Equal("native", TuningMethods.Of(learned).Export(learned, source).Format); // a scale of its own for each group
    }

    [Fact]
    public void Plans_follow_the_codes_that_are_made()
    {
        var shape = new LinearShape("model.layers.0.self_attn.q_proj", 128, 16);
        var binary = new TuneOptions { Scheme = "bcq", Bits = 3, Group = 64 };
        var plan = TuningMethods.Of(binary).Plan(shape, binary);
        Assert.Equal((3, 3 * 16 * 2L, 3), (plan.Result.Bits!.Value, plan.Trained, plan.Products));
        var normal = new TuneOptions { Method = "qlora", Scheme = "nf4" };
        Assert.Equal((4, 64), (TuningMethods.Of(normal).Plan(shape, normal).Result.Bits!.Value, TuningMethods.Of(normal).Plan(shape, normal).Result.Group));
    }
}
