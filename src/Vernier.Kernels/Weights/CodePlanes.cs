using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>How codes of 2 to 8 bits lie in memory: chunks of 64 codes in 8 * bits bytes. A chunk is a run of planes, widest
/// first, one for each binary digit of the bit count (5 bits = a plane of 4 and a plane of 1), holding ever higher bits of the code.
/// A plane of p bits is 8 * p bytes; code c lies in byte c mod 8p, shifted left by p * (c div 8p). So unpacking is a shift and a
/// mask, whatever the width of the vectors.</summary>
internal static unsafe class CodePlanes
{
    /// <summary>Codes in a chunk.</summary>
    public const int Chunk = 64;

    // The low bits of every byte.
    private const ulong Fours = 0x0f0f0f0f0f0f0f0f, Twos = 0x0303030303030303, Ones = 0x0101010101010101;

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
            var mask = Ones * ((1ul << plane) - 1);
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
        else if (Avx2.IsSupported)
        {
            switch (bits)
            {
                case 2:
                    UnpackWide<Two>(source, chunks, codes);
                    break;
                case 3:
                    UnpackWide<Three>(source, chunks, codes);
                    break;
                case 4:
                    UnpackWide<Four>(source, chunks, codes);
                    break;
                case 5:
                    UnpackWide<Five>(source, chunks, codes);
                    break;
                case 6:
                    UnpackWide<Six>(source, chunks, codes);
                    break;
                default:
                    UnpackWide<Seven>(source, chunks, codes);
                    break;
            }
        }
        else
        {
            for (; chunks > 0; chunks--, codes += Chunk)
                source = UnpackChunk(source, bits, codes);
        }
    }

    [MethodImpl(Kernel.Body)]
    private static void UnpackWide<TBits>(byte* source, int chunks, byte* codes)
        where TBits : struct, IBits
    {
        for (; chunks > 0; chunks--, source += ChunkBytes(TBits.Value), codes += Chunk)
        {
            UnpackWide<TBits>(source, out var lower, out var upper);
            lower.Store(codes);
            upper.Store(codes + 32);
        }
    }

    /// <summary>A chunk in two registers of 32 codes, for AVX2. The width is a type, so that its tests are gone when this is compiled.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void UnpackWide<TBits>(byte* source, out Vector256<byte> first, out Vector256<byte> second)
        where TBits : struct, IBits
    {
        var (lower, upper) = (Vector256<ulong>.Zero, Vector256<ulong>.Zero);
        if ((TBits.Value & 4) != 0)
        {
            var (v, mask) = (Vector256.Load((ulong*)source), Vector256.Create(Fours));
            (lower, upper) = (v & mask, (v >> 4) & mask);
            source += 32;
        }
        if ((TBits.Value & 2) != 0)
        {
            var (v, mask, shifts) = (Vector256.Create(Vector128.Load((ulong*)source)), Vector256.Create(Twos), Vector256.Create(0ul, 0, 2, 2));
            lower |= (Avx2.ShiftRightLogicalVariable(v, shifts) & mask) << (TBits.Value & 4);
            upper |= (Avx2.ShiftRightLogicalVariable(v >> 4, shifts) & mask) << (TBits.Value & 4);
            source += 16;
        }
        if ((TBits.Value & 1) != 0)
        {
            var (v, mask, shifts) = (Vector256.Create(*(ulong*)source), Vector256.Create(Ones), Vector256.Create(0ul, 1, 2, 3));
            lower |= (Avx2.ShiftRightLogicalVariable(v, shifts) & mask) << (TBits.Value & 6);
            upper |= (Avx2.ShiftRightLogicalVariable(v >> 4, shifts) & mask) << (TBits.Value & 6);
        }
        (first, second) = (lower.AsByte(), upper.AsByte());
    }

    private static byte* UnpackChunk(byte* source, int bits, byte* codes)
    {
        var low = 0;
        for (var plane = 4; plane > 0; plane >>= 1)
        {
            if ((bits & plane) == 0)
                continue;
            Spread(source, plane, low, codes);
            source += 8 * plane;
            low += plane;
        }
        return source;
    }

    private static ulong Mask(int plane) => plane switch { 4 => Fours, 2 => Twos, _ => Ones };

    // Eight codes at a time in a general register.
    private static void Spread(byte* source, int plane, int low, byte* codes)
    {
        for (var i = 0; i < 8 * plane; i += 8)
        {
            var v = Unsafe.ReadUnaligned<ulong>(source + i);
            for (var shift = 0; shift < 8; shift += plane)
            {
                var to = (ulong*)(codes + i + 8 * shift);
                var part = ((v >> shift) & Mask(plane)) << low;
                *to = low == 0 ? part : part | *to;
            }
        }
    }

    /// <summary>A number of bits as a type.</summary>
    internal interface IBits
    {
        static abstract int Value { get; }
    }

    internal readonly struct Two : IBits
    {
        public static int Value => 2;
    }

    internal readonly struct Three : IBits
    {
        public static int Value => 3;
    }

    internal readonly struct Four : IBits
    {
        public static int Value => 4;
    }

    internal readonly struct Five : IBits
    {
        public static int Value => 5;
    }

    internal readonly struct Six : IBits
    {
        public static int Value => 6;
    }

    internal readonly struct Seven : IBits
    {
        public static int Value => 7;
    }
}
