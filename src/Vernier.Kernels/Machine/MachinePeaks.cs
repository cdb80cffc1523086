using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>What this machine can do at most, measured here and now, so that a speed can be told as a fraction of the possible.
/// Each figure is the best of several short runs on all workers of a pool.</summary>
internal static unsafe class MachinePeaks
{
    // Loops compiled at once with all optimizations, and never into a caller.
    private const MethodImplOptions Body = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    private const int Rounds = 40; // short ones: the best of them escapes whatever else runs here
    private const int ReadRounds = 5;
    private const int Steps = 100_000;
    private const int Sums = 12; // independent sums: latency 4 x 2 units and some room, all in registers
    private const long ReadBytes = 256L << 20;

    /// <summary>Fused multiply-adds in fp32, two operations each. GFLOP/s.</summary>
    public static double Fp32Gflops(WorkerPool pool)
    {
        var job = new FlopJob { Steps = Steps };
        var lanes = InstructionTiers.Best switch { InstructionTier.Vector512 => 16, InstructionTier.Vector256 => 8, InstructionTier.Vector128 => 4, _ => 1 };
        return 2.0 * lanes * Sums * job.Steps * pool.Threads / BestSeconds(pool, ref job, Rounds) / 1e9;
    }

    /// <summary>Products of 8-bit codes with 8-bit activations, summed: a multiplication and an addition each. Gop/s with the
    /// instructions that the integer products uses here; 0 where it has none.</summary>
    public static double Int8Gops(WorkerPool pool)
    {
        var job = new IntegerJob { Steps = Steps };
        var bytes = InstructionTiers.Best switch { InstructionTier.Vector512 => 64, InstructionTier.Vector256 => 32, _ => 0 };
        return 2.0 * bytes * Sums * job.Steps * pool.Threads / BestSeconds(pool, ref job, Rounds) / 1e9;
    }

    /// <summary>Sequential reading of a block far larger than the caches. GB/s.</summary>
    public static double ReadGigabytesPerSecond(WorkerPool pool)
    {
        using var block = ReadBlock(ReadBytes);
        var job = new ReadJob { Block = block.Pointer, Bytes = block.Length };
        return ReadBytes / BestSeconds(pool, ref job, ReadRounds) / 1e9;
    }

    /// <summary>Seconds of one sequential reading of a block on all workers.</summary>
    public static double ReadSeconds(WorkerPool pool, NativeBuffer<byte> block)
    {
        var job = new ReadJob { Block = block.Pointer, Bytes = block.Length };
        return BestSeconds(pool, ref job, 1);
    }

    /// <summary>Memory to be read; untouched pages would all be the same page of zeros.</summary>
    public static NativeBuffer<byte> ReadBlock(long bytes)
    {
        var block = new NativeBuffer<byte>(bytes);
        for (long i = 0; i < bytes; i += 1 << 30)
            block.Slice(i, (int)Math.Min(1 << 30, bytes - i)).Fill(1);
        return block;
    }

    private static double BestSeconds<TJob>(WorkerPool pool, ref TJob job, int rounds)
        where TJob : struct, IParallelJob
    {
        var best = double.MaxValue;
        for (var i = 0; i < rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            pool.Run(ref job);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }

    private struct FlopJob : IParallelJob
    {
        public int Steps;

        public readonly void Execute(int worker, int workers)
        {
            var result = InstructionTiers.Best switch
            {
                InstructionTier.Vector512 => Loop512(Steps),
                InstructionTier.Vector256 => Loop256(Steps),
                InstructionTier.Vector128 => Loop128(Steps),
                _ => LoopScalar(Steps),
            };
            if (float.IsNaN(result))
                throw new InvalidOperationException("The sum of ones is not a number."); // keeps the loop alive
        }
    }

    [MethodImpl(Body)]
    private static float Loop512(int steps)
    {
        var (x, y) = (Vector512.Create(0.5f), Vector512.Create(1f));
        var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var (s4, s5, s6, s7) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        var (s8, s9, s10, s11) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
        for (; steps > 0; steps--)
        {
            s0 = Avx512F.FusedMultiplyAdd(s0, x, y);
            s1 = Avx512F.FusedMultiplyAdd(s1, x, y);
            s2 = Avx512F.FusedMultiplyAdd(s2, x, y);
            s3 = Avx512F.FusedMultiplyAdd(s3, x, y);
            s4 = Avx512F.FusedMultiplyAdd(s4, x, y);
            s5 = Avx512F.FusedMultiplyAdd(s5, x, y);
            s6 = Avx512F.FusedMultiplyAdd(s6, x, y);
            s7 = Avx512F.FusedMultiplyAdd(s7, x, y);
            s8 = Avx512F.FusedMultiplyAdd(s8, x, y);
            s9 = Avx512F.FusedMultiplyAdd(s9, x, y);
            s10 = Avx512F.FusedMultiplyAdd(s10, x, y);
            s11 = Avx512F.FusedMultiplyAdd(s11, x, y);
        }
        return Vector512.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
    }

    [MethodImpl(Body)]
    private static float Loop256(int steps)
    {
        var (x, y) = (Vector256.Create(0.5f), Vector256.Create(1f));
        var (s0, s1, s2, s3) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var (s4, s5, s6, s7) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        var (s8, s9, s10, s11) = (Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero, Vector256<float>.Zero);
        for (; steps > 0; steps--)
        {
            s0 = Fma.MultiplyAdd(s0, x, y);
            s1 = Fma.MultiplyAdd(s1, x, y);
            s2 = Fma.MultiplyAdd(s2, x, y);
            s3 = Fma.MultiplyAdd(s3, x, y);
            s4 = Fma.MultiplyAdd(s4, x, y);
            s5 = Fma.MultiplyAdd(s5, x, y);
            s6 = Fma.MultiplyAdd(s6, x, y);
            s7 = Fma.MultiplyAdd(s7, x, y);
            s8 = Fma.MultiplyAdd(s8, x, y);
            s9 = Fma.MultiplyAdd(s9, x, y);
            s10 = Fma.MultiplyAdd(s10, x, y);
            s11 = Fma.MultiplyAdd(s11, x, y);
        }
        return Vector256.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
    }

    [MethodImpl(Body)]
    private static float Loop128(int steps)
    {
        var (x, y) = (Vector128.Create(0.5f), Vector128.Create(1f));
        var (s0, s1, s2, s3) = (Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero);
        var (s4, s5, s6, s7) = (Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero);
        var (s8, s9, s10, s11) = (Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero, Vector128<float>.Zero);
        for (; steps > 0; steps--)
        {
            s0 = Vector128.MultiplyAddEstimate(s0, x, y);
            s1 = Vector128.MultiplyAddEstimate(s1, x, y);
            s2 = Vector128.MultiplyAddEstimate(s2, x, y);
            s3 = Vector128.MultiplyAddEstimate(s3, x, y);
            s4 = Vector128.MultiplyAddEstimate(s4, x, y);
            s5 = Vector128.MultiplyAddEstimate(s5, x, y);
            s6 = Vector128.MultiplyAddEstimate(s6, x, y);
            s7 = Vector128.MultiplyAddEstimate(s7, x, y);
            s8 = Vector128.MultiplyAddEstimate(s8, x, y);
            s9 = Vector128.MultiplyAddEstimate(s9, x, y);
            s10 = Vector128.MultiplyAddEstimate(s10, x, y);
            s11 = Vector128.MultiplyAddEstimate(s11, x, y);
        }
        return Vector128.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
    }

    [MethodImpl(Body)]
    private static float LoopScalar(int steps)
    {
        var (x, y) = (0.5f, 1f);
        var (s0, s1, s2, s3) = (0f, 0f, 0f, 0f);
        var (s4, s5, s6, s7) = (0f, 0f, 0f, 0f);
        var (s8, s9, s10, s11) = (0f, 0f, 0f, 0f);
        for (; steps > 0; steps--)
        {
            s0 = s0 * x + y;
            s1 = s1 * x + y;
            s2 = s2 * x + y;
            s3 = s3 * x + y;
            s4 = s4 * x + y;
            s5 = s5 * x + y;
            s6 = s6 * x + y;
            s7 = s7 * x + y;
            s8 = s8 * x + y;
            s9 = s9 * x + y;
            s10 = s10 * x + y;
            s11 = s11 * x + y;
        }
        return (s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
    }

    private struct ReadJob : IParallelJob
    {
        public byte* Block;
        public long Bytes;

        public readonly void Execute(int worker, int workers)
        {
            var share = Bytes / workers / 256 * 256;
            var p = Block + worker * share;
            var end = p + share;
            var sum = Vector256.IsHardwareAccelerated ? ReadVectors(p, end) : ReadWords((ulong*)p, (ulong*)end);
            if (sum == ulong.MaxValue)
                throw new InvalidOperationException("Ones do not combine to this."); // keeps the loop alive
        }
    }

    [MethodImpl(Body)]
    private static ulong ReadVectors(byte* p, byte* end)
    {
        var (a, b) = (Vector256<byte>.Zero, Vector256<byte>.Zero);
        for (; p < end; p += 256)
        {
            a |= Vector256.Load(p) | Vector256.Load(p + 32) | Vector256.Load(p + 64) | Vector256.Load(p + 96);
            b |= Vector256.Load(p + 128) | Vector256.Load(p + 160) | Vector256.Load(p + 192) | Vector256.Load(p + 224);
        }
        return Vector256.Sum((a | b).AsUInt64());
    }

    [MethodImpl(Body)]
    private static ulong ReadWords(ulong* p, ulong* end)
    {
        var sum = 0ul;
        for (; p < end; p += 4)
            sum |= p[0] | p[1] | p[2] | p[3];
        return sum;
    }

    private struct IntegerJob : IParallelJob
    {
        public int Steps;

        public readonly void Execute(int worker, int workers)
        {
            var sum = InstructionTiers.Best switch
            {
                InstructionTier.Vector512 => Integers512(Steps),
                InstructionTier.Vector256 => Integers256(Steps),
                _ => 0,
            };
            if (sum == int.MinValue)
                throw new InvalidOperationException("Ones do not sum to this."); // keeps the loop alive
        }
    }

    // Products of pairs in 16 bits, added in 16 bits. Four products, then four sums: one of each in turn takes Zen 4 a fifth longer.
    [MethodImpl(Body)]
    private static int Integers512(int steps)
    {
        var x = Vector512.Create((byte)1);
        var (s0, s1, s2, s3) = (Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero);
        var (s4, s5, s6, s7) = (Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero);
        var (s8, s9, s10, s11) = (Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero, Vector512<short>.Zero);
        for (; steps > 0; steps--)
        {
            var p0 = Avx512BW.MultiplyAddAdjacent(x, s0.AsSByte());
            var p1 = Avx512BW.MultiplyAddAdjacent(x, s1.AsSByte());
            var p2 = Avx512BW.MultiplyAddAdjacent(x, s2.AsSByte());
            var p3 = Avx512BW.MultiplyAddAdjacent(x, s3.AsSByte());
            s0 += p0;
            s1 += p1;
            s2 += p2;
            s3 += p3;
            p0 = Avx512BW.MultiplyAddAdjacent(x, s4.AsSByte());
            p1 = Avx512BW.MultiplyAddAdjacent(x, s5.AsSByte());
            p2 = Avx512BW.MultiplyAddAdjacent(x, s6.AsSByte());
            p3 = Avx512BW.MultiplyAddAdjacent(x, s7.AsSByte());
            s4 += p0;
            s5 += p1;
            s6 += p2;
            s7 += p3;
            p0 = Avx512BW.MultiplyAddAdjacent(x, s8.AsSByte());
            p1 = Avx512BW.MultiplyAddAdjacent(x, s9.AsSByte());
            p2 = Avx512BW.MultiplyAddAdjacent(x, s10.AsSByte());
            p3 = Avx512BW.MultiplyAddAdjacent(x, s11.AsSByte());
            s8 += p0;
            s9 += p1;
            s10 += p2;
            s11 += p3;
        }
        return Vector512.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
    }

    [MethodImpl(Body)]
    private static int Integers256(int steps)
    {
        var x = Vector256.Create((byte)1);
        var (s0, s1, s2, s3) = (Vector256<short>.Zero, Vector256<short>.Zero, Vector256<short>.Zero, Vector256<short>.Zero);
        var (s4, s5, s6, s7) = (Vector256<short>.Zero, Vector256<short>.Zero, Vector256<short>.Zero, Vector256<short>.Zero);
        var (s8, s9, s10, s11) = (Vector256<short>.Zero, Vector256<short>.Zero, Vector256<short>.Zero, Vector256<short>.Zero);
        for (; steps > 0; steps--)
        {
            var p0 = Avx2.MultiplyAddAdjacent(x, s0.AsSByte());
            var p1 = Avx2.MultiplyAddAdjacent(x, s1.AsSByte());
            var p2 = Avx2.MultiplyAddAdjacent(x, s2.AsSByte());
            var p3 = Avx2.MultiplyAddAdjacent(x, s3.AsSByte());
            s0 += p0;
            s1 += p1;
            s2 += p2;
            s3 += p3;
            p0 = Avx2.MultiplyAddAdjacent(x, s4.AsSByte());
            p1 = Avx2.MultiplyAddAdjacent(x, s5.AsSByte());
            p2 = Avx2.MultiplyAddAdjacent(x, s6.AsSByte());
            p3 = Avx2.MultiplyAddAdjacent(x, s7.AsSByte());
            s4 += p0;
            s5 += p1;
            s6 += p2;
            s7 += p3;
            p0 = Avx2.MultiplyAddAdjacent(x, s8.AsSByte());
            p1 = Avx2.MultiplyAddAdjacent(x, s9.AsSByte());
            p2 = Avx2.MultiplyAddAdjacent(x, s10.AsSByte());
            p3 = Avx2.MultiplyAddAdjacent(x, s11.AsSByte());
            s8 += p0;
            s9 += p1;
            s10 += p2;
            s11 += p3;
        }
        return Vector256.Sum(s0 + s1 + s2 + s3 + s4 + s5 + s6 + s7 + s8 + s9 + s10 + s11);
    }
}
