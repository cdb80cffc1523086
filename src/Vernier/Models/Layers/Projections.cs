using System.Numerics;
using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Up to three linear layers that read one input. Integer arithmetic quantizes it once for all of them,
/// and for few tokens their weights stream by in one pass.</summary>
internal static class Projections
{
    /// <summary>y [tokens, out] = x [tokens, in] Ŵᵀ for each, without bias.</summary>
    public static void Forward(
        Compute compute, TokenLayout layout, ReadOnlySpan<float> x, Linear first, Span<float> y1, Linear? second = null, Span<float> y2 = default, Linear? third = null, Span<float> y3 = default)
    {
        if ((layout.Inference || compute.Training) && IntegerWeight(compute, first) is { } w1)
        {
            var (w2, w3) = (second is null ? null : IntegerWeight(compute, second), third is null ? null : IntegerWeight(compute, third));
            if ((second is null || w2 is not null) && (third is null || w3 is not null))
            {
                Integer(compute, layout, x, w1, y1, w2, y2, w3, y3);
                return;
            }
        }
        Plain(compute, layout, x, first, y1);
        if (second is not null)
            Plain(compute, layout, x, second, y2);
        if (third is not null)
            Plain(compute, layout, x, third, y3);
    }

    /// <summary>y [rows, matrix rows] = x Ŵᵀ for a matrix outside the blocks.</summary>
    public static void Forward(Compute compute, ReadOnlySpan<float> x, int rows, WeightMatrix matrix, Span<float> y)
    {
        if (compute.Mode == ComputeMode.Int8 && matrix is PackedMatrix packed && Int8Gemm.Supports(packed))
        {
            compute.Quantized.Quantize(compute.Pool, x, rows, matrix.Columns, packed.Order);
            Int8Gemm.Forward(compute.Pool, compute.Quantized, packed, y);
            return;
        }
        Gemm.Forward(compute.Pool, x, rows, matrix, y);
    }

    /// <summary>dx [tokens, in] = dy [tokens, out] Ŵ, or dx += with <paramref name="accumulate"/>. With integer arithmetic the gradient is rounded at random,
    /// by a key that the gradient itself and the seed give: a resumed run rounds as the uninterrupted one.</summary>
    public static void BackwardInput(Compute compute, ReadOnlySpan<float> dy, int tokens, WeightMatrix weight, Span<float> dx, bool accumulate = false)
    {
        if (compute.Mode == ComputeMode.Int8 && weight is PackedMatrix packed && Int8Gemm.SupportsBackward(packed))
            Int8Gemm.BackwardInput(compute.Pool, dy, tokens, packed, Key(compute.Seed, dy), compute.QuantizedGradient, dx, accumulate);
        else
            Gemm.BackwardInput(compute.Pool, dy, tokens, weight, dx, accumulate);
    }

    // Samples of the whole batch: single tokens may have no gradient at all.
    private static uint Key(int seed, ReadOnlySpan<float> dy)
    {
        const int samples = 61;
        var key = (uint)seed;
        for (var i = 0; i < samples; i++)
            key = (BitOperations.RotateLeft(key, 5) ^ BitConverter.SingleToUInt32Bits(dy[(int)((long)dy.Length * i / samples)])) * 0x9E3779B1u;
        return key;
    }

    // Weights whose columns lie in one order share what is rounded; a batch of tasks may round it anew for the tokens of one.
    private static void Integer(
        Compute compute, TokenLayout layout, ReadOnlySpan<float> x, PackedMatrix first, Span<float> y1, PackedMatrix? second, Span<float> y2, PackedMatrix? third, Span<float> y3)
    {
        compute.Quantized.Quantize(compute.Pool, x, layout.Tokens, first.Columns, first.Order);
        if (layout.Tasks is null && (second is null || second.Order == first.Order) && (third is null || third.Order == first.Order))
        {
            Int8Gemm.Forward(compute.Pool, compute.Quantized, first, y1, second, y2, third, y3);
            return;
        }
        Next(first, x, y1);
        if (second is not null)
            Next(second, x, y2);
        if (third is not null)
            Next(third, x, y3);

        void Next(PackedMatrix weight, ReadOnlySpan<float> x, Span<float> y)
        {
            if (compute.Quantized.Order != weight.Order || compute.Quantized.Tokens != layout.Tokens)
                compute.Quantized.Quantize(compute.Pool, x, layout.Tokens, weight.Columns, weight.Order);
            if (layout.Tasks is { } tasks)
                TaskProjection.Integer(compute, tasks, x, weight, y);
            else
                Int8Gemm.Forward(compute.Pool, compute.Quantized, weight, y);
        }
    }

    private static void Plain(Compute compute, TokenLayout layout, ReadOnlySpan<float> x, Linear linear, Span<float> y)
    {
        if (layout.Tasks is { } tasks && linear.PlainWeight is PackedMatrix packed)
            TaskProjection.Full(compute, tasks, x, packed, y);
        else
            linear.Forward(compute, x, layout.Tokens, y);
    }

    private static PackedMatrix? IntegerWeight(Compute compute, Linear linear) =>
        compute.Mode == ComputeMode.Int8 && linear.PlainWeight is PackedMatrix packed && Int8Gemm.Supports(packed) ? packed : null;
}
