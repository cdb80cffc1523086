using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>A codebook of integers of at most 8 bits (IQ4_NL, IQ4_XS, MXFP4) for integer products: a code's value, counted from the least that so many
/// bits hold, is a code of its own, weight = scale * (value + zero) + offset - zero * scale.</summary>
internal sealed unsafe class IntegerCodebook
{
    // So that magnitudes are signed bytes too.
    private const int Largest = sbyte.MaxValue;

    private IntegerCodebook(Vector128<sbyte> values, int bits) => (Values, Bits) = (values, bits);

    /// <summary>The value of each code.</summary>
    public Vector128<sbyte> Values { get; }

    /// <summary>Of a value with its sign.</summary>
    public int Bits { get; }

    /// <summary>What is added to a value.</summary>
    public int Zero => 1 << Bits - 1;

    /// <summary>Null where a value is no such integer.</summary>
    /// <param name="codebook">16 values.</param>
    public static IntegerCodebook? Of(ReadOnlySpan<float> codebook)
    {
        var (values, bits) = (Vector128<sbyte>.Zero, 2);
        for (var i = 0; i < Vector128<sbyte>.Count; i++)
        {
            if (!(MathF.Abs(codebook[i]) <= Largest) || codebook[i] != MathF.Round(codebook[i]))
                return null;
            values = values.WithElement(i, (sbyte)codebook[i]);
            while (codebook[i] < -(1 << bits - 1) || codebook[i] >= 1 << bits - 1)
                bits++;
        }
        return new(values, bits);
    }

    /// <summary>Replaces codes by values + <see cref="Zero"/>.</summary>
    /// <param name="count">A multiple of 16.</param>
    [MethodImpl(Kernel.Body)]
    public void Replace(byte* codes, int count)
    {
        var book = (Values + Vector128.Create((sbyte)Zero)).AsByte();
        var i = 0;
        if (Avx2.IsSupported)
            for (var wide = Vector256.Create(book, book); i <= count - 32; i += 32)
                Avx2.Shuffle(wide, Vector256.Load(codes + i)).Store(codes + i);
        if (Vector128.IsHardwareAccelerated)
            for (; i < count; i += 16)
                Vector128.Shuffle(book, Vector128.Load(codes + i)).Store(codes + i);
        for (; i < count; i++)
            codes[i] = book.GetElement(codes[i]);
    }
}
