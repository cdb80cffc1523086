using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>How codes of 2 to 8 bits lie in memory: chunks of 64 codes in 8 * bits bytes. A chunk is a run of planes, widest
/// first, one for each binary digit of the bit count (5 bits = a plane of 4 and a plane of 1), holding ever higher bits of the code.
/// A plane of p bits is 8 * p bytes; code c lies in byte c mod 8p, shifted left by p * (c div 8p). So unpacking is a shift and a
/// mask, whatever the width of the vectors.</summary>
internal static unsafe class CodePlanes
{
    /// <summary>Codes in a chunk.</summary>
    public const int Chunk = 64;

    /// <summary>Bytes of a chunk.</summary>
    public static int ChunkBytes(int bits) => bits * (Chunk / 8);

    /// <summary>Packs 64 codes.</summary>
    public static void Pack(byte* codes, int bits, byte* chunk)
    {
        // Eight codes at a time in a general register: a plane of p bits is p words, and word w takes the codes of words w, w + p, w + 2p, ...
        var words = (ulong*)codes;
        var low = 0;
        for (var plane = 8; plane > 0; plane >>= 1)
        {
            if ((bits & plane) == 0)
                continue;
            var mask = 0x0101010101010101ul * ((1ul << plane) - 1);
            for (var w = 0; w < plane; w++, chunk += sizeof(ulong))
            {
                var packed = 0ul;
                for (int shift = 0, from = w; shift < 8; shift += plane, from += plane)
                    packed |= ((Unsafe.ReadUnaligned<ulong>(words + from) >> low) & mask) << shift;
                Unsafe.WriteUnaligned(chunk, packed);
            }
            low += plane;
        }
    }

    /// <summary>Unpacks <paramref name="chunks"/> chunks, one code a byte.</summary>
    public static void Unpack(byte* source, int chunks, int bits, byte* codes)
    {
        if (bits == 8)
        {
            Buffer.MemoryCopy(source, codes, (long)chunks * Chunk, (long)chunks * Chunk);
        }
        else if (bits == 4 && Vector256.IsHardwareAccelerated)
        {
            var mask = Vector256.Create((byte)15);
            for (; chunks > 0; chunks--, source += 32, codes += Chunk)
            {
                var v = Vector256.Load(source);
                (v & mask).Store(codes);
                ((v.AsUInt16() >> 4).AsByte() & mask).Store(codes + 32);
            }
        }
        else
        {
            for (; chunks > 0; chunks--, codes += Chunk)
                source = UnpackPlanes(source, bits, codes);
        }
    }

    private static byte* UnpackPlanes(byte* source, int bits, byte* codes)
    {
        var low = 0;
        for (var plane = 4; plane > 0; plane >>= 1)
        {
            if ((bits & plane) == 0)
                continue;
            var mask = plane switch { 4 => 0x0f0f0f0f0f0f0f0ful, 2 => 0x0303030303030303ul, _ => 0x0101010101010101ul };
            if (plane > 1 && Vector128.IsHardwareAccelerated)
                SpreadWide(source, plane, mask, low, codes);
            else
                Spread(source, plane, mask, low, codes);
            source += 8 * plane;
            low += plane;
        }
        return source;
    }

    private static void SpreadWide(byte* source, int plane, ulong mask, int low, byte* codes)
    {
        var wide = Vector128.Create(mask);
        for (var i = 0; i < 8 * plane; i += 16)
        {
            var v = Vector128.Load(source + i).AsUInt64();
            for (var shift = 0; shift < 8; shift += plane, v >>>= plane)
            {
                var to = (ulong*)(codes + i + 8 * shift);
                var part = (v & wide) << low;
                (low == 0 ? part : part | Vector128.Load(to)).Store(to);
            }
        }
    }

    // Eight codes at a time in a general register.
    private static void Spread(byte* source, int plane, ulong mask, int low, byte* codes)
    {
        for (var i = 0; i < 8 * plane; i += 8)
        {
            var v = Unsafe.ReadUnaligned<ulong>(source + i);
            for (var shift = 0; shift < 8; shift += plane)
            {
                var to = (ulong*)(codes + i + 8 * shift);
                var part = ((v >> shift) & mask) << low;
                *to = low == 0 ? part : part | *to;
            }
        }
    }
}
