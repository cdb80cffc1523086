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
        switch (bits)
        {
            case 2:
                Unpack<Two>(source, chunks, codes);
                break;
            case 3:
                Unpack<Three>(source, chunks, codes);
                break;
            case 4:
                Unpack<Four>(source, chunks, codes);
                break;
            case 5:
                Unpack<Five>(source, chunks, codes);
                break;
            case 6:
                Unpack<Six>(source, chunks, codes);
                break;
            case 7:
                Unpack<Seven>(source, chunks, codes);
                break;
            default:
                Buffer.MemoryCopy(source, codes, (long)chunks * Chunk, (long)chunks * Chunk);
                break;
        }
    }

    [MethodImpl(Kernel.Body)]
    private static void Unpack<TBits>(byte* source, int chunks, byte* codes)
        where TBits : struct, IBits
    {
        for (; chunks > 0; chunks--, source += ChunkBytes(TBits.Value), codes += Chunk)
            if (Avx2.IsSupported)
            {
                UnpackWide<TBits>(source, out var lower, out var upper);
                lower.Store(codes);
                upper.Store(codes + 32);
            }
            else if (Vector128.IsHardwareAccelerated)
            {
                UnpackNarrow<TBits>(source, codes);
            }
            else
            {
                UnpackChunk(source, TBits.Value, codes);
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

    /// <summary>A chunk in one register of 64 codes, for AVX-512: a plane is repeated over the register and each of its parts rotated to its place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<byte> UnpackWider<TBits>(byte* source)
        where TBits : struct, IBits
    {
        var codes = Vector512<ulong>.Zero;
        if ((TBits.Value & 4) != 0)
        {
            var v = Avx512F.BroadcastVector256ToVector512((ulong*)source);
            codes = Avx512F.ShiftRightLogicalVariable(v, Vector512.Create(0ul, 0, 0, 0, 4, 4, 4, 4)) & Vector512.Create(Fours);
            source += 32;
        }
        if ((TBits.Value & 2) != 0)
        {
            var to = (ulong)TBits.Value & 4;
            var v = Avx512F.BroadcastVector128ToVector512((uint*)source).AsUInt64();
            codes |= Avx512F.RotateLeftVariable(v, Vector512.Create(to, to, to - 2, to - 2, to - 4, to - 4, to - 6, to - 6)) & Vector512.Create(Twos << (int)to);
            source += 16;
        }
        if ((TBits.Value & 1) != 0)
        {
            var to = (ulong)TBits.Value & 6;
            var v = Vector512.Create(*(ulong*)source);
            codes |= Avx512F.RotateLeftVariable(v, Vector512.Create(to, to - 1, to - 2, to - 3, to - 4, to - 5, to - 6, to - 7)) & Vector512.Create(Ones << (int)to);
        }
        return codes.AsByte();
    }

    // A chunk in four registers of 16 codes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnpackNarrow<TBits>(byte* source, byte* codes)
        where TBits : struct, IBits
    {
        var (c0, c1, c2, c3) = (Vector128<ulong>.Zero, Vector128<ulong>.Zero, Vector128<ulong>.Zero, Vector128<ulong>.Zero);
        if ((TBits.Value & 4) != 0)
        {
            var (v, w, mask) = (Vector128.Load((ulong*)source), Vector128.Load((ulong*)(source + 16)), Vector128.Create(Fours));
            (c0, c1, c2, c3) = (v & mask, w & mask, (v >> 4) & mask, (w >> 4) & mask);
            source += 32;
        }
        if ((TBits.Value & 2) != 0)
        {
            Add(Vector128.Load((ulong*)source), Vector128.Create(Twos), TBits.Value & 4, ref c0, ref c1, ref c2, ref c3);
            source += 16;
        }
        if ((TBits.Value & 1) != 0)
        {
            var word = *(ulong*)source;
            Add(Vector128.Create(word, word >> 1), Vector128.Create(Ones), TBits.Value & 6, ref c0, ref c1, ref c2, ref c3);
        }
        c0.Store((ulong*)codes);
        c1.Store((ulong*)codes + 2);
        c2.Store((ulong*)codes + 4);
        c3.Store((ulong*)codes + 6);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void Add(Vector128<ulong> v, Vector128<ulong> mask, int low, ref Vector128<ulong> c0, ref Vector128<ulong> c1, ref Vector128<ulong> c2, ref Vector128<ulong> c3)
        {
            c0 |= (v & mask) << low;
            c1 |= ((v >> 2) & mask) << low;
            c2 |= ((v >> 4) & mask) << low;
            c3 |= ((v >> 6) & mask) << low;
        }
    }

    private static void UnpackChunk(byte* source, int bits, byte* codes)
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
