using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>How the rows of <see cref="Int8GemvRows"/> keep scales and offsets.</summary>
internal unsafe interface IGemvScales
{
    /// <summary>Bytes of so many groups; where they share a factor, of whole sixteens.</summary>
    static abstract long Bytes(long groups);

    /// <summary>Eight neighbours; where groups share a factor, from a multiple of eight on.</summary>
    static abstract Vector256<float> Load(void* scales, long at);

    /// <summary>Sixteen neighbours, for vectors of 512 bits; where groups share a factor, from a multiple of sixteen on.</summary>
    static abstract Vector512<float> LoadWide(void* scales, long at);
}

internal readonly unsafe struct FloatScales : IGemvScales
{
    public static long Bytes(long groups) => groups * sizeof(float);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(void* scales, long at) => Vector256.Load((float*)scales + at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(void* scales, long at) => Vector512.Load((float*)scales + at);
}

/// <summary>Finite halves: exponent and fraction move to their places in an fp32, whose exponent is then 112 too small, which a product mends.</summary>
internal readonly unsafe struct HalfScales : IGemvScales
{
    public static long Bytes(long groups) => groups * sizeof(ushort);

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

/// <summary>An fp16 factor a super-block times an integer a group, see <see cref="ScaleBlocks"/>.</summary>
internal readonly unsafe struct BlockScales<TForm> : IGemvScales
    where TForm : struct, ScaleBlocks.IForm
{
    public static long Bytes(long groups) => groups / 16 * TForm.Bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Load(void* scales, long at) => ScaleBlocks.Load<TForm>((byte*)scales, at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadWide(void* scales, long at) => ScaleBlocks.LoadWide<TForm>((byte*)scales, at);
}

/// <summary>A loop over rows in which the form of the scales is a type, so that its tests are gone when it is compiled.</summary>
internal interface IGemvOfScales
{
    static abstract void Rows<TScales>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales;
}

/// <summary>Chooses the type of a form, once for many rows.</summary>
internal static class GemvScales
{
    /// <summary>Groups of 32 columns.</summary>
    public static void OfBlocks<TLoop>(in Int8GemvRows rows)
        where TLoop : IGemvOfScales
    {
        if (rows.Form == ScaleForm.Half)
            TLoop.Rows<HalfScales>(rows);
        else if (rows.Form == ScaleForm.Blocks8)
            TLoop.Rows<BlockScales<ScaleBlocks.Of8>>(rows);
        else
            TLoop.Rows<FloatScales>(rows);
    }

    /// <summary>Groups of 16 columns.</summary>
    public static void OfHalfBlocks<TLoop>(in Int8GemvRows rows)
        where TLoop : IGemvOfScales
    {
        if (rows.Form == ScaleForm.Blocks16)
            TLoop.Rows<BlockScales<ScaleBlocks.Of16>>(rows);
        else if (rows.Form == ScaleForm.Nibbles16)
            TLoop.Rows<BlockScales<ScaleBlocks.OfNibbles>>(rows);
        else
            TLoop.Rows<FloatScales>(rows);
    }
}
