using Vernier.Files.Gguf;

namespace Vernier.Export;

/// <summary>A tensor on its way into a GGUF file that may be quantized.</summary>
/// <param name="Plan">Its name, shape and the format that it is held in.</param>
/// <param name="Place">What messages name.</param>
/// <param name="ReadRow">One row as fp32, by its number in the file; any thread may call it.</param>
/// <param name="AsItIs">What is written where it is not quantized.</param>
internal sealed record QuantizableTensor(GgufTensorPlan Plan, string Place, Action<int, float[]> ReadRow, PlannedTensor AsItIs)
{
    public int Columns => checked((int)Plan.Dimensions[0]);

    public int Rows => checked((int)Plan.Dimensions.Skip(1).Aggregate(1L, (all, size) => all * size));

    /// <summary>Experts of a tensor, else 1.</summary>
    public int Matrices => Plan.Dimensions.Count > 2 ? checked((int)Plan.Dimensions.Skip(2).Aggregate(1L, (all, size) => all * size)) : 1;
}
