using System.Runtime.Intrinsics;

namespace Vernier.Files.Gguf.Blocks;

/// <summary>The nibble order of the 32-value blocks: value i below 16 is the low half of byte i, the others are the high halves.</summary>
internal static class Nibbles
{
    /// <summary>16 bytes to 32 codes.</summary>
    public static void Split(ReadOnlySpan<byte> packed, Span<byte> codes)
    {
        if (!Vector128.IsHardwareAccelerated)
        {
            for (var i = 0; i < 16; i++)
                (codes[i], codes[i + 16]) = ((byte)(packed[i] & 0x0F), (byte)(packed[i] >> 4));
            return;
        }
        var both = Vector128.Create(packed[..16]);
        (both & Vector128.Create((byte)0x0F)).CopyTo(codes[..16]);
        (both >>> 4).CopyTo(codes.Slice(16, 16));
    }

    /// <summary>The low halves of 32 codes to 16 bytes.</summary>
    public static void Join(ReadOnlySpan<byte> codes, Span<byte> packed)
    {
        for (var i = 0; i < 16; i++)
            packed[i] = (byte)(codes[i] & 0x0F | codes[i + 16] << 4);
    }

    /// <summary>Sets bit 4 of 32 codes from the bits of a word.</summary>
    public static void AddFifthBits(uint bits, Span<byte> codes)
    {
        for (var i = 0; i < 32; i++)
            codes[i] |= (byte)(((bits >> i) & 1) << 4);
    }

    /// <summary>Bit 4 of 32 codes as a word.</summary>
    public static uint FifthBits(ReadOnlySpan<byte> codes)
    {
        var bits = 0u;
        for (var i = 0; i < 32; i++)
            bits |= (uint)((codes[i] >> 4) & 1) << i;
        return bits;
    }
}
