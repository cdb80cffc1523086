using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The product of one packed weight with a batch whose rows belong to different tasks. Where the tasks are factors of rows and of columns,
/// the codes and the base's scales are read once for all: columns' factors go into the activations, rows' factors into the products.
/// Other tasks take the rows task by task.</summary>
internal static class TaskProjection
{
    private static readonly WorkspaceSlot s_inputs = new(), s_outputs = new();

    /// <summary>Integer arithmetic: y [tokens, out] from the activations that <see cref="Compute.Quantized"/> holds.</summary>
    public static void Integer(Compute compute, TaskBatch batch, ReadOnlySpan<float> x, PackedMatrix weight, Span<float> y)
    {
        var product = batch.Of(weight);
        if (!product.HasFactors || product.Columns is not null && weight.HasHalfGroups) // activations have scales of whole blocks
        {
            TaskByTask(compute, batch, x, weight, y, integer: true);
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
        TaskByTask(compute, batch, x, weight, y, integer: false);

    // Rows of one task go together, and meet its scales.
    private static void TaskByTask(Compute compute, TaskBatch batch, ReadOnlySpan<float> x, PackedMatrix weight, Span<float> y, bool integer)
    {
        var order = batch.Order;
        var inputs = compute.Scratch(s_inputs, order.Length * weight.Columns);
        var outputs = compute.Scratch(s_outputs, order.Length * weight.Rows);
        for (int first = 0, end; first < order.Length; first = end)
        {
            var task = batch.Tasks[order[first]];
            for (end = first; end < order.Length && batch.Tasks[order[end]] == task; end++)
                Row(x, order[end], weight.Columns).CopyTo(inputs[((end - first) * weight.Columns)..]);
            var own = task?.Of(weight)?.Weight ?? weight;
            if (integer)
            {
                compute.Quantized.Quantize(compute.Pool, inputs, end - first, own.Columns, own.Order);
                Int8Gemm.Forward(compute.Pool, compute.Quantized, own, outputs);
            }
            else
            {
                Gemm.Forward(compute.Pool, inputs, end - first, own, outputs);
            }
            for (var i = first; i < end; i++)
                Row(outputs, i - first, weight.Rows).CopyTo(y[(order[i] * weight.Rows)..]);
        }

        static ReadOnlySpan<float> Row(ReadOnlySpan<float> rows, int row, int length) => rows.Slice(row * length, length);
    }
}
