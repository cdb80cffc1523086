using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>How the rows of <see cref="Int8GemvRows"/> keep scales and offsets.</summary>
internal unsafe interface IGemvScales
{
    /// <summary>Of one scale.</summary>
    static abstract int Bytes { get; }

    /// <summary>Eight neighbours.</summary>
    static abstract Vector256<float> Load(void* scales, long at);

    /// <summary>Sixteen neighbours, for vectors of 512 bits.</summary>
    static abstract Vector512<float> LoadWide(void* scales, long at);
}

internal readonly unsafe struct FloatScales : IGemvScales
{
    public static int Bytes => sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(void* scales, long at) => Vector256.Load((float*)scales + at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(void* scales, long at) => Vector512.Load((float*)scales + at);
}

/// <summary>Finite halves: exponent and fraction move to their places in an fp32, whose exponent is then 112 too small, which a product mends.</summary>
internal readonly unsafe struct HalfScales : IGemvScales
{
    public static int Bytes => sizeof(ushort);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(void* scales, long at)
    {
        var bits = Avx2.ConvertToVector256Int32(Vector128.Load((short*)scales + at)) << 13 & Vector256.Create(unchecked((int)0x8fffe000));
        return bits.AsSingle() * Vector256.Create(BitConverter.UInt32BitsToSingle((127 + 112) << 23));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(void* scales, long at)
    {
        var bits = Avx512F.ConvertToVector512Int32(Vector256.Load((short*)scales + at)) << 13 & Vector512.Create(unchecked((int)0x8fffe000));
        return bits.AsSingle() * Vector512.Create(BitConverter.UInt32BitsToSingle((127 + 112) << 23));
    }
}
