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
        if ((layout.Inference || compute.Training) && IntegerWeight(compute, first) is { } w1
            && (second is null || IntegerWeight(compute, second) is not null) && (third is null || IntegerWeight(compute, third) is not null))
        {
            compute.Quantized.Quantize(compute.Pool, x, layout.Tokens, first.InFeatures);
            if (layout.Tasks is { } tasks)
            {
                TaskProjection.Integer(compute, tasks, x, w1, y1);
                if (second is not null)
                    TaskProjection.Integer(compute, tasks, x, (PackedMatrix)second.PlainWeight!, y2);
                if (third is not null)
                    TaskProjection.Integer(compute, tasks, x, (PackedMatrix)third.PlainWeight!, y3);
                return;
            }
            Int8Gemm.Forward(compute.Pool, compute.Quantized, w1, y1, second?.PlainWeight as PackedMatrix, y2, third?.PlainWeight as PackedMatrix, y3);
            return;
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
            compute.Quantized.Quantize(compute.Pool, x, rows, matrix.Columns);
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
            Int8Gemm.BackwardInput(compute.Pool, dy, tokens, packed, Key(compute.Seed, dy), compute.Quantized, dx, accumulate);
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
