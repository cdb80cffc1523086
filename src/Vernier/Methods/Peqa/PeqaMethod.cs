using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.Peqa;

/// <summary>PEQA: codes frozen, scales trained (METHODS: arXiv 2305.14152). Adapter tensors, one set a module, are those of <see cref="PeqaFactors"/>, which says how they act.</summary>
internal sealed class PeqaMethod() : BuiltInMethod("peqa", "train only the scales of a quantized model; its codes stay")
{
    /// <summary>A hundredth of what starts near 1: factors, and zero points in units of a code. A low-rank factor moves with all its columns at once, so
    /// half of that. Scales themselves are as small as the weights, and such steps would undo them.</summary>
    public override float LearningRate(TuneOptions options) => options switch
    {
        { Train: TrainedState.Zeros } => 1e-2f,
        { Parameterize: Parameterization.Scale } => 4e-4f,
        { Granularity: Granularity.LowRank } => 5e-3f,
        _ => 1e-2f,
    };

    /// <inheritdoc/>
    public override string Label(TuneOptions options) => $"{Name} {OptionValue.NameOf(options.Granularity)}";

    /// <inheritdoc/>
    public override bool HasRank(TuneOptions options) => options.Granularity == Granularity.LowRank;

    /// <inheritdoc/>
    public override LinearPlan Plan(LinearShape shape, TuneOptions options) => ScaleTuning.Plan(shape, options);

    /// <inheritdoc/>
    public override void Apply(Decoder decoder, TuneOptions options, Compute compute) => ScaleTuning.Insert(decoder, options, compute);

    /// <inheritdoc/>
    public override IReadOnlyDictionary<string, AdapterTensor> Current(IReadOnlyDictionary<string, AdapterTensor> tensors) => PeqaTensors.WithoutSingleGroups(tensors);

    /// <inheritdoc/>
    public override TensorKind? KindOf(string tensor) => ScaleTuning.KindOf(tensor);

    /// <inheritdoc/>
    public override bool IsScales => true;

    /// <inheritdoc/>
    public override ScaleFactors? FactorsOf(IReadOnlyDictionary<string, AdapterTensor> tensors, string module, int rows) => PeqaTensors.FactorsOf(tensors, module, rows);

    /// <inheritdoc/>
    public override bool TakesTables => true;

    /// <inheritdoc/>
    public override bool TunesTable(LinearShape table, TuneOptions options) => ScaleTuning.TunesTable(table, options);

    /// <summary>Zero points of tables are not trained: --train zeros leaves the head alone.</summary>
    public override void Check(TuneOptions options, string dash) =>
        OptionRules.Require(!options.TuneHead || options.Train == TrainedState.Scales, $"{dash}tune-head goes with {dash}train scales: zero points of the output matrix are not trained");

    /// <inheritdoc/>
    public override string? Unexportable(LinearShape shape, TuneOptions options) => ScaleTuning.Unexportable(shape, options);

    /// <summary>A block of a GGUF file takes one factor; K-quant blocks do not take one for each of their groups.</summary>
    public override ExportTarget Export(TuneOptions options, ExportSource source) =>
        options is { Bits: null, AllowUnexportable: true } && options.Granularity != Granularity.Channel && source.HasKQuants
            ? new("native", "its K-quant blocks take one factor each, which is what is tuned without --allow-unexportable")
            : ExportTarget.OfCodes(options, source);
}
