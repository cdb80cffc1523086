using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The product of one packed weight with a batch whose rows belong to different tasks. Where the tasks are factors of rows and of columns,
/// the codes and the base's scales are read once for all: columns' factors go into the activations, rows' factors into the products.
/// Other tasks take the rows run by run.</summary>
internal static class TaskProjection
{
    /// <summary>Integer arithmetic: y [tokens, out] from the activations that <see cref="Compute.Quantized"/> holds.</summary>
    public static void Integer(Compute compute, TaskBatch batch, ReadOnlySpan<float> x, PackedMatrix weight, Span<float> y)
    {
        var product = batch.Of(weight);
        if (!product.HasFactors)
        {
            Runs(compute, batch.Tasks, x, weight, y, integer: true);
            return;
        }
        var activations = compute.Quantized;
        if (product.Columns is not null)
            activations.BeginFactors(product.Columns, weight.GroupSize);
        Int8Gemm.Forward(compute.Pool, activations, weight, product.Rows, y);
        activations.EndFactors();
    }

    /// <summary>fp32: y [tokens, out] = x Ŵᵀ with each row's own Ŵ.</summary>
    public static void Full(Compute compute, TaskBatch batch, ReadOnlySpan<float> x, PackedMatrix weight, Span<float> y) =>
        Runs(compute, batch.Tasks, x, weight, y, integer: false);

    // Neighbours of one task go together, with its scales in the weight.
    private static void Runs(Compute compute, ReadOnlySpan<TaskScales?> tasks, ReadOnlySpan<float> x, PackedMatrix weight, Span<float> y, bool integer)
    {
        var own = weight.Scales;
        try
        {
            for (int first = 0, end; first < tasks.Length; first = end)
            {
                for (end = first + 1; end < tasks.Length && tasks[end] == tasks[first];)
                    end++;
                weight.Scales = tasks[first]?.Of(weight)?.Scales ?? own;
                var input = x[(first * weight.Columns)..(end * weight.Columns)];
                var output = y[(first * weight.Rows)..(end * weight.Rows)];
                if (integer)
                {
                    compute.Quantized.Quantize(compute.Pool, input, end - first, weight.Columns, weight.Order);
                    Int8Gemm.Forward(compute.Pool, compute.Quantized, weight, output);
                }
                else
                {
                    Gemm.Forward(compute.Pool, input, end - first, weight, output);
                }
            }
        }
        finally
        {
            weight.Scales = own;
        }
    }
}
