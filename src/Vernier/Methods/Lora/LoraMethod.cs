using Vernier.Methods.LowRankAdapters;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.Lora;

/// <summary>LoRA: low-rank factors beside frozen weights, which stay as they are. Adapter tensors have the names of HF PEFT.</summary>
internal sealed class LoraMethod() : BuiltInMethod("lora", "low-rank factors beside the weights as they are; HF PEFT's format")
{
    /// <inheritdoc/>
    public override string DefaultTargets => LoraAdapter.DefaultTargets;

    /// <inheritdoc/>
    public override float LearningRate(TuneOptions options) => 2e-3f;

    /// <inheritdoc/>
    public override bool NeedsCodes => false;

    /// <inheritdoc/>
    public override bool HasRank(TuneOptions options) => true;

    /// <inheritdoc/>
    public override LinearPlan Plan(LinearShape shape, TuneOptions options) => new(shape, LoraAdapter.Trained(shape, options), shape.LoadedBytes, Products: 2);

    /// <inheritdoc/>
    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        if (options.Bits is not null)
            throw new ArgumentException("lora trains beside the weights as they are; to quantize them first, use qlora", nameof(options));
        LoraAdapter.Insert(decoder, options, linear => linear.Weight);
    }

    /// <inheritdoc/>
    public override string? PeftType => LoraAdapter.PeftType;

    /// <inheritdoc/>
    protected override string TensorName(string parameter) => LoraAdapter.PeftName(parameter);

    /// <inheritdoc/>
    public override TensorKind? KindOf(string tensor) => LowRankOptions.KindOf(tensor);

    /// <inheritdoc/>
    public override MergeResult Merges => MergeResult.ExactInFullPrecision;

    /// <inheritdoc/>
    public override ExportTarget Export(TuneOptions options, ExportSource source) =>
        source.IsQuantized || options.Bits is not null ? ExportTarget.BesideCodes : ExportTarget.FullPrecision;
}
