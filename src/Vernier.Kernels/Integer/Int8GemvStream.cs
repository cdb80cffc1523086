using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The innermost loops of <see cref="Int8GemvDriver"/> for one token, bound by memory: row follows row, so that codes, scales and
/// offsets are each one sequential stream that is asked for well ahead.</summary>
internal static unsafe class Int8GemvStream
{
    /// <summary>Bytes of codes from what is multiplied to what is asked for: far enough to hide a read of memory that two threads share,
    /// near enough to be there still.</summary>
    public const int AheadBytes = 4096;

    private const int Lanes = 8;

    /// <summary>Rows, a multiple of four.</summary>
    public static void Rows(int bits, in Int8GemvRows rows)
    {
        if (rows.Ratio == 1)
            Rows<SmallGroups>(bits, rows);
        else
            Rows<WideGroups>(bits, rows);
    }

    private static void Rows<TFactors>(int bits, in Int8GemvRows rows)
        where TFactors : struct, IFactors
    {
        switch (bits)
        {
            case 2:
                Rows<TFactors, Planes<CodePlanes.Two>>(rows);
                break;
            case 3:
                Rows<TFactors, Planes<CodePlanes.Three>>(rows);
                break;
            case 4:
                Rows<TFactors, FourBits>(rows);
                break;
            case 5:
                Rows<TFactors, Planes<CodePlanes.Five>>(rows);
                break;
            case 6:
                Rows<TFactors, Planes<CodePlanes.Six>>(rows);
                break;
            case 7:
                Rows<TFactors, Planes<CodePlanes.Seven>>(rows);
                break;
            default:
                Rows<TFactors, EightBits>(rows);
                break;
        }
    }

    [MethodImpl(Kernel.Body)]
    private static void Rows<TFactors, TCodes>(in Int8GemvRows rows)
        where TFactors : struct, IFactors
        where TCodes : struct, ICodes
    {
        for (var row = 0; row < rows.Rows; row += 4)
        {
            var s0 = Row<TFactors, TCodes>(rows, row);
            var s1 = Row<TFactors, TCodes>(rows, row + 1);
            var s2 = Row<TFactors, TCodes>(rows, row + 2);
            var s3 = Row<TFactors, TCodes>(rows, row + 3);
            var dots = HorizontalSums.Each(s0, s1, s2, s3);
            (rows.Accumulate ? dots + Vector128.Load(rows.Y + row) : dots).Store(rows.Y + row);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Row<TFactors, TCodes>(in Int8GemvRows rows, int row)
        where TFactors : struct, IFactors
        where TCodes : struct, ICodes
    {
        var codes = rows.Codes + row * rows.RowBytes;
        var scale = (float*)rows.Scale + (long)row * rows.Groups;
        var offset = (float*)rows.Offset + (long)row * rows.Groups;
        var ahead = (long)rows.Ahead * rows.Groups;
        Fetch((byte*)(scale + ahead), (long)rows.Groups * sizeof(float));
        if (rows.Offset != rows.Scale)
            Fetch((byte*)(offset + ahead), (long)rows.Groups * sizeof(float));
        return TCodes.Dot(codes, rows, TFactors.Prepare(rows, scale, offset));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Fetch(byte* from, long bytes)
    {
        for (var end = from + bytes; from < end; from += 64)
            Sse.Prefetch0(from);
    }

    private interface IFactors
    {
        /// <summary>Writes the weight's scales times the activations' to the scratch. Returns the terms of Σ (offset + middle * scale) * sum.</summary>
        static abstract Vector256<float> Prepare(in Int8GemvRows rows, float* scale, float* offset);
    }

    /// <summary>Groups of 32, in whole vectors: what lies behind a row's groups meets zeros.</summary>
    private readonly struct SmallGroups : IFactors
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Prepare(in Int8GemvRows rows, float* scale, float* offset)
        {
            var terms = Vector256<float>.Zero;
            for (var g = 0; g < rows.Padded; g += Lanes)
                terms = Int8GemvDots.Terms(
                    Vector256.Load(scale + g), Vector256.Load(offset + g), rows.Middle, Vector256.Load(rows.XScales + g), Vector256.Load(rows.XSums + g), rows.Factors + g, terms);
            return terms;
        }
    }

    /// <summary>Groups of several times 32, or whole rows.</summary>
    private readonly struct WideGroups : IFactors
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Prepare(in Int8GemvRows rows, float* scale, float* offset)
        {
            var (i, total) = (0, 0f);
            for (var g = 0; g < rows.Groups; g++)
            {
                // Whole vectors reach into the next group, which is written next; the last group takes the padding with it.
                var s = Vector256.Create(scale[g]);
                var end = g == rows.Groups - 1 ? rows.XGroups : i + rows.Ratio;
                for (var from = i; from < end; from += Lanes)
                    (s * Vector256.Load(rows.XScales + from)).Store(rows.Factors + from);
                i = end;
                total += (offset[g] + rows.Middle * scale[g]) * rows.XSums[g];
            }
            return Vector256.CreateScalar(total);
        }
    }

    private interface ICodes
    {
        /// <summary>Products of a row, group by group times their factors, on top of <paramref name="sum"/>. Asks for what comes later bit by bit:
        /// a burst of requests would fill the queue and stall.</summary>
        static abstract Vector256<float> Dot(byte* codes, in Int8GemvRows rows, Vector256<float> sum);
    }

    private readonly struct FourBits : ICodes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Dot(byte* codes, in Int8GemvRows rows, Vector256<float> sum)
        {
            var (mask, other) = (Vector256.Create((byte)15), Vector256<float>.Zero);
            var x = rows.X;
            var factors = rows.Factors;
            for (var end = codes + rows.RowBytes; codes < end; codes += 32, x += 64, factors += 2)
            {
                Sse.Prefetch0(codes + AheadBytes);
                var v = Vector256.Load(codes);
                sum = Int8GemvDots.Scaled(v & mask, Vector256.Load(x), factors[0], sum);
                other = Int8GemvDots.Scaled((v.AsUInt16() >> 4).AsByte() & mask, Vector256.Load(x + 32), factors[1], other);
            }
            return sum + other;
        }
    }

    private readonly struct EightBits : ICodes
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Dot(byte* codes, in Int8GemvRows rows, Vector256<float> sum)
        {
            var other = Vector256<float>.Zero;
            var x = rows.X;
            var factors = rows.Factors;
            for (var end = codes + rows.RowBytes; codes < end; codes += 64, x += 64, factors += 2)
            {
                Sse.Prefetch0(codes + AheadBytes);
                sum = Int8GemvDots.ScaledFromMiddle(Vector256.Load(codes), Vector256.Load(x), factors[0], sum);
                other = Int8GemvDots.ScaledFromMiddle(Vector256.Load(codes + 32), Vector256.Load(x + 32), factors[1], other);
            }
            return sum + other;
        }
    }

    private readonly struct Planes<TBits> : ICodes
        where TBits : struct, CodePlanes.IBits
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector256<float> Dot(byte* codes, in Int8GemvRows rows, Vector256<float> sum)
        {
            var other = Vector256<float>.Zero;
            var x = rows.X;
            var factors = rows.Factors;
            for (var end = codes + rows.RowBytes; codes < end; codes += CodePlanes.ChunkBytes(TBits.Value), x += 64, factors += 2)
            {
                Sse.Prefetch0(codes + AheadBytes);
                CodePlanes.UnpackWide<TBits>(codes, out var first, out var second);
                sum = Int8GemvDots.Scaled(first, Vector256.Load(x), factors[0], sum);
                other = Int8GemvDots.Scaled(second, Vector256.Load(x + 32), factors[1], other);
            }
            return sum + other;
        }
    }
}
