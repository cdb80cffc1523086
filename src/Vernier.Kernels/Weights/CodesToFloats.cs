using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Codes, one a byte, to weights: scale * code + offset with one rounding in every tier.</summary>
internal static unsafe class CodesToFloats
{
    /// <summary>Writes the weights of one row's columns [column, column + count).</summary>
    /// <param name="scale">The row's scales, one a group; likewise <paramref name="offset"/>.</param>
    /// <param name="codebook">16 values, or null.</param>
    [MethodImpl(Kernel.Body)]
    public static void Convert(byte* codes, int column, int count, int groupSize, float* scale, float* offset, float* codebook, float* weights)
    {
        var group = column / groupSize;
        var left = Math.Min(count, (group + 1) * (long)groupSize - column);
        while (count > 0)
        {
            var n = (int)left;
            if (codebook is not null)
                Lookup(codes, n, scale[group], offset[group], codebook, weights);
            else
                Scale(codes, n, scale[group], offset[group], weights);
            codes += n;
            weights += n;
            count -= n;
            group++;
            left = Math.Min(count, groupSize);
        }
    }

    /// <summary>The same where every column names its group.</summary>
    /// <param name="groups">[count]: the groups of the columns.</param>
    [MethodImpl(Kernel.Body)]
    public static void Convert(byte* codes, int* groups, int count, float* scale, float* offset, float* codebook, float* weights)
    {
        var i = 0;
        if (codebook is null && Fma.IsSupported && Avx2.IsSupported)
            for (; i + 8 <= count; i += 8)
            {
                var group = Vector256.Load(groups + i);
                var c = Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(codes + i));
                Fma.MultiplyAdd(c, Avx2.GatherVector256(scale, group, sizeof(float)), Avx2.GatherVector256(offset, group, sizeof(float))).Store(weights + i);
            }
        for (; i < count; i++)
            weights[i] = MathF.FusedMultiplyAdd(scale[groups[i]], codebook is null ? codes[i] : codebook[codes[i]], offset[groups[i]]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Scale(byte* codes, int count, float scale, float offset, float* weights)
    {
        var i = 0;
        if (Avx512F.IsSupported)
        {
            var (s, o) = (Vector512.Create(scale), Vector512.Create(offset));
            for (; i + 16 <= count; i += 16)
            {
                var c = Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(Vector128.Load(codes + i)));
                Avx512F.FusedMultiplyAdd(c, s, o).Store(weights + i);
            }
        }
        if (Fma.IsSupported && Avx2.IsSupported)
        {
            var (s, o) = (Vector256.Create(scale), Vector256.Create(offset));
            for (; i + 8 <= count; i += 8)
            {
                var c = Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(codes + i));
                Fma.MultiplyAdd(c, s, o).Store(weights + i);
            }
        }
        else if (AdvSimd.IsSupported)
        {
            var (s, o) = (Vector128.Create(scale), Vector128.Create(offset));
            for (; i + 8 <= count; i += 8)
            {
                var wide = Vector128.WidenLower(Vector64.Load(codes + i).ToVector128Unsafe());
                var (low, high) = Vector128.Widen(wide);
                Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(low.AsInt32()), s, o).Store(weights + i);
                Vector128.FusedMultiplyAdd(Vector128.ConvertToSingle(high.AsInt32()), s, o).Store(weights + i + 4);
            }
        }
        for (; i < count; i++)
            weights[i] = MathF.FusedMultiplyAdd(scale, codes[i], offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lookup(byte* codes, int count, float scale, float offset, float* codebook, float* weights)
    {
        var i = 0;
        if (Avx512F.IsSupported)
        {
            var (s, o, book) = (Vector512.Create(scale), Vector512.Create(offset), Vector512.Load(codebook));
            for (; i + 16 <= count; i += 16)
            {
                var value = Avx512F.PermuteVar16x32(book, Avx512F.ConvertToVector512Int32(Vector128.Load(codes + i)));
                Avx512F.FusedMultiplyAdd(value, s, o).Store(weights + i);
            }
        }
        for (; i < count; i++)
            weights[i] = MathF.FusedMultiplyAdd(scale, codebook[codes[i]], offset);
    }
}
