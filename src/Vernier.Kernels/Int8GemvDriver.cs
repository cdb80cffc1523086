using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Integer products for the few tokens of decoding: the packed rows stream by once, in order, and codes never leave registers
/// at 4 and 8 bits; other widths go through the first-level cache a row at a time.</summary>
internal static unsafe class Int8GemvDriver
{
    private const int RowsAtOnce = 4;

    public static void Forward(InstructionTier tier, WorkerPool pool, QuantizedActivations x, PackedMatrix weight, float* y, bool accumulate)
    {
        var job = new Job { Tier = tier, Pool = pool, X = x, Weight = weight, Y = y, Accumulate = accumulate };
        pool.Run(ref job);
    }

    private struct Job : IParallelJob
    {
        public InstructionTier Tier;
        public WorkerPool Pool;
        public QuantizedActivations X;
        public PackedMatrix Weight;
        public float* Y;
        public bool Accumulate;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = GemmDriver.Share((Weight.Rows - 1) / RowsAtOnce + 1, worker, workers);
            var (top, bottom) = (start * RowsAtOnce, Math.Min(end * RowsAtOnce, Weight.Rows));
            if (top >= bottom)
                return;
            var factors = Pool.WorkerScratch(worker, (long)RowsAtOnce * X.Groups + (long)X.Tokens * Weight.Groups + X.Stride / sizeof(float));
            var sums = factors + (long)RowsAtOnce * X.Groups;
            var codes = (byte*)(sums + (long)X.Tokens * Weight.Groups);
            SumGroups(sums);
            var row = top;
            if (Weight.Bits == 4 && Tier >= InstructionTier.Vector256)
                for (; row + RowsAtOnce <= bottom; row += RowsAtOnce)
                    for (var t = 0; t < X.Tokens; t++)
                        FourRows(row, t, factors, sums + (long)t * Weight.Groups);
            for (; row < bottom; row++)
                OneRow(row, factors, sums, codes);
        }

        private readonly int Ratio => Weight.Groups == 1 ? X.Groups : Weight.GroupSize / QuantizedActivations.GroupSize;

        // The activations' sums over the weight's groups, [tokens, groups].
        private readonly void SumGroups(float* sums)
        {
            var ratio = Ratio;
            for (var t = 0; t < X.Tokens; t++)
                for (var g = 0; g < Weight.Groups; g++)
                {
                    var (sum, end) = (0f, Math.Min((g + 1) * ratio, X.Groups));
                    for (var i = g * ratio; i < end; i++)
                        sum += X.Sums[(long)t * X.Groups + i];
                    sums[(long)t * Weight.Groups + g] = sum;
                }
        }

        // The weight's scale times the activations' scale for every group of 32 columns; returns Σ offset * sum.
        private readonly float Factors(int row, int token, float* sums, float* factors)
        {
            var scale = Weight.Scales.Scale.Pointer + (long)row * Weight.Groups;
            var offset = Weight.Scales.Offset.Pointer + (long)row * Weight.Groups;
            var xScale = X.Scales + (long)token * X.Groups;
            var (ratio, i, g) = (Ratio, 0, 0);
            if (ratio == 1 && Tier >= InstructionTier.Vector256)
                for (; i + 8 <= Weight.Groups; i += 8)
                    (Vector256.Load(scale + i) * Vector256.Load(xScale + i)).Store(factors + i);
            for (g = i / ratio; i < X.Groups; g++)
            {
                var s = scale[Math.Min(g, Weight.Groups - 1)]; // the padding's activations are zero
                for (var end = Math.Min(i + ratio, X.Groups); i < end; i++)
                    factors[i] = s * xScale[i];
            }
            return Dot(Tier, offset, sums, Weight.Groups);
        }

        private readonly void FourRows(int row, int token, float* factors, float* sums)
        {
            var groups = X.Groups;
            var offsets = Vector128.Create(
                Factors(row, token, sums, factors),
                Factors(row + 1, token, sums, factors + groups),
                Factors(row + 2, token, sums, factors + 2 * groups),
                Factors(row + 3, token, sums, factors + 3 * groups));
            var y = Y + (long)token * Weight.Rows + row;
            var result = offsets + FourRowsOfFourBits(Weight.RowPointer(row), Weight.RowBytes, factors, groups, X.Codes + (long)token * X.Stride);
            (Accumulate ? result + Vector128.Load(y) : result).Store(y);
        }

        private readonly void OneRow(int row, float* factors, float* sums, byte* codes)
        {
            if (Weight.Bits == 8)
                codes = Weight.RowPointer(row);
            else
                CodePlanes.Unpack(Weight.RowPointer(row), X.Stride / CodePlanes.Chunk, Weight.Bits, codes);
            for (var t = 0; t < X.Tokens; t++)
            {
                var sum = Factors(row, t, sums + (long)t * Weight.Groups, factors);
                var x = X.Codes + (long)t * X.Stride;
                sum += Tier switch
                {
                    InstructionTier.Scalar => Bytes(codes, factors, X.Groups, x),
                    InstructionTier.Vector128 => Bytes128(codes, factors, X.Groups, x),
                    _ when Weight.Bits == 8 => FullBytes256(codes, factors, X.Groups, x),
                    _ => Bytes256(codes, factors, X.Groups, x),
                };
                ref var y = ref Y[(long)t * Weight.Rows + row];
                y = Accumulate ? y + sum : sum;
            }
        }
    }

    private static float Dot(InstructionTier tier, float* a, float* b, int count)
    {
        var (sum, i) = (0f, 0);
        if (tier >= InstructionTier.Vector256)
        {
            var v = Vector256<float>.Zero;
            for (; i + 8 <= count; i += 8)
                v = Fma.MultiplyAdd(Vector256.Load(a + i), Vector256.Load(b + i), v);
            sum = Vector256.Sum(v);
        }
        for (; i < count; i++)
            sum += a[i] * b[i];
        return sum;
    }

    /// <summary>Four rows of 4-bit codes, chunk by chunk: 64 codes in 32 bytes, the first 32 in the lower halves.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static Vector128<float> FourRowsOfFourBits(byte* w, long rowBytes, float* factors, int groups, sbyte* x)
    {
        var mask = Vector256.Create((byte)15);
        var (s0, s1, s2, s3) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var (f1, f2, f3) = (groups, 2 * groups, 3 * groups);
        for (var g = 0; g < groups; g += 2, w += 32, x += 64)
        {
            var (x0, x1) = (Vector256.Load(x), Vector256.Load(x + 32));
            var p = factors + g;
            var v = Vector256.Load(w);
            s0 = Scaled(v & mask, x0, p[0], s0);
            s0 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p[1], s0);
            v = Vector256.Load(w + rowBytes);
            s1 = Scaled(v & mask, x0, p[f1], s1);
            s1 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p[f1 + 1], s1);
            v = Vector256.Load(w + 2 * rowBytes);
            s2 = Scaled(v & mask, x0, p[f2], s2);
            s2 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p[f2 + 1], s2);
            v = Vector256.Load(w + 3 * rowBytes);
            s3 = Scaled(v & mask, x0, p[f3], s3);
            s3 = Scaled((v.AsUInt16() >> 4).AsByte() & mask, x1, p[f3 + 1], s3);
        }
        var sums = Avx.HorizontalAdd(Avx.HorizontalAdd(s0, s1), Avx.HorizontalAdd(s2, s3));
        return sums.GetLower() + sums.GetUpper();
    }

    /// <summary>One row of codes below 128, one a byte: pairs of products stay below 2^15.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Bytes256(byte* codes, float* factors, int groups, sbyte* x)
    {
        var (s0, s1) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 64, x += 64)
        {
            s0 = Scaled(Vector256.Load(codes), Vector256.Load(x), factors[g], s0);
            s1 = Scaled(Vector256.Load(codes + 32), Vector256.Load(x + 32), factors[g + 1], s1);
        }
        return Vector256.Sum(s0 + s1);
    }

    /// <summary>One row of codes of 8 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float FullBytes256(byte* codes, float* factors, int groups, sbyte* x)
    {
        var (s0, s1) = (Vector256<float>.Zero, Vector256<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 64, x += 64)
        {
            s0 = ScaledFull(Vector256.Load(codes), Vector256.Load(x), factors[g], s0);
            s1 = ScaledFull(Vector256.Load(codes + 32), Vector256.Load(x + 32), factors[g + 1], s1);
        }
        return Vector256.Sum(s0 + s1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Scaled(Vector256<byte> codes, Vector256<sbyte> x, float factor, Vector256<float> sum)
    {
        var dots = AvxVnni.IsSupported
            ? AvxVnni.MultiplyWideningAndAdd(Vector256<int>.Zero, codes, x)
            : Avx2.MultiplyAddAdjacent(Avx2.MultiplyAddAdjacent(codes, x), Vector256.Create((short)1));
        return Fma.MultiplyAdd(Avx.ConvertToVector256Single(dots), Vector256.Create(factor), sum);
    }

    // Without VNNI a pair of 8-bit products may exceed 16 bits: halves of the codes go one after the other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ScaledFull(Vector256<byte> codes, Vector256<sbyte> x, float factor, Vector256<float> sum)
    {
        if (AvxVnni.IsSupported)
            return Scaled(codes, x, factor, sum);
        var mask = Vector256.Create((byte)15);
        var low = Avx2.MultiplyAddAdjacent(codes & mask, x);
        var high = Avx2.MultiplyAddAdjacent((codes.AsUInt16() >> 4).AsByte() & mask, x);
        var dots = Avx2.MultiplyAddAdjacent(low, Vector256.Create((short)1)) + Avx2.MultiplyAddAdjacent(high, Vector256.Create((short)16));
        return Fma.MultiplyAdd(Avx.ConvertToVector256Single(dots), Vector256.Create(factor), sum);
    }

    // 255 * 127 fits 16 bits; sums go on in 32.
    private static float Bytes128(byte* codes, float* factors, int groups, sbyte* x)
    {
        var sum = Vector128<float>.Zero;
        for (var g = 0; g < groups; g++)
        {
            var dots = Vector128<int>.Zero;
            for (var end = codes + QuantizedActivations.GroupSize; codes < end; codes += 16, x += 16)
            {
                var (c0, c1) = Vector128.Widen(Vector128.Load(codes));
                var (x0, x1) = Vector128.Widen(Vector128.Load(x));
                var (p0, p1) = Vector128.Widen(c0.AsInt16() * x0);
                var (p2, p3) = Vector128.Widen(c1.AsInt16() * x1);
                dots += p0 + p1 + (p2 + p3);
            }
            sum += Vector128.ConvertToSingle(dots) * factors[g];
        }
        return Vector128.Sum(sum);
    }

    private static float Bytes(byte* codes, float* factors, int groups, sbyte* x)
    {
        var sum = 0f;
        for (var g = 0; g < groups; g++, codes += QuantizedActivations.GroupSize, x += QuantizedActivations.GroupSize)
        {
            var dot = 0;
            for (var i = 0; i < QuantizedActivations.GroupSize; i++)
                dot += codes[i] * x[i];
            sum += dot * factors[g];
        }
        return sum;
    }
}
