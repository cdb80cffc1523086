using Vernier.Kernels;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;

namespace Vernier.Methods.Lora;

/// <summary>LoRA: low-rank factors beside frozen weights, which stay as they are. Adapter tensors have the names of HF PEFT.</summary>
public sealed class LoraMethod : TuningMethod
{
    public override string Name => "lora";

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute)
    {
        if (options.Bits is not null)
            throw new ArgumentException("lora trains beside the weights as they are; to quantize them first, use qlora", nameof(options));
        LoraAdapter.Insert(decoder, options, linear => linear.Weight);
    }

    public override IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder, LoraAdapter.PeftName);

    public override void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors, LoraAdapter.PeftName);

    /// <summary>Full-precision weights take the adapter in; a packed weight keeps it beside itself, for merging would have to round again.</summary>
    public override void Merge(Decoder decoder, Compute compute) => decoder.ReplaceLinears(linear =>
    {
        if (linear is not LoraLinear lora || lora.Base is PackedMatrix)
            return linear;
        var merged = new DenseMatrix(lora.OutFeatures, lora.InFeatures);
        for (var row = 0; row < merged.Rows; row++)
            lora.Weight.ReadTile(row, 1, 0, merged.Columns, merged.Row(row), merged.Columns);
        lora.Weight.Dispose();
        return new FrozenLinear(lora.Name, merged, lora.Bias);
    });
}
