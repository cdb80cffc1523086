using Vernier.Methods.Peqa;
using Vernier.Models;
using Vernier.Tuning;

/// <summary>Scales and zero points of a quantized model in turns: even steps change the scales of single groups, odd steps the zero points; the codes stay.</summary>
internal sealed class InTurns : TuningMethod
{
    public override string Name => "in-turns";

    public override string Summary => "scales and zero points of a quantized model in turns; its codes stay";

    public override float LearningRate(TuneOptions options) => 1e-2f;

    public override LinearPlan Plan(LinearShape shape, TuneOptions options) => ScaleTuning.Plan(shape, Both(options));

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute) => ScaleTuning.Insert(decoder, Both(options), compute);

    public override bool Trains(Parameter parameter, int step) => parameter.Name.EndsWith(".zero", StringComparison.Ordinal) == (step % 2 == 1);

    public override TensorKind? KindOf(string tensor) => ScaleTuning.KindOf(tensor);

    public override bool IsScales => true;

    private static TuneOptions Both(TuneOptions options) => options with { Granularity = Granularity.Group, Train = TrainedState.Both };
}
