namespace Vernier.Kernels.Tests;

public unsafe class LaneMathTests
{
    /// <summary>Exp at every 5000th float.</summary>
    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void ExpIsWithinTwoUnitsOfTheLastPlace(Tier tier) => OpTesting.At(tier, () =>
    {
        var worst = 0.0;
        var values = new float[16];
        for (var bits = 0L; bits < 1L << 32; bits += 5000 * 16)
        {
            for (var i = 0; i < 16; i++)
                values[i] = BitConverter.Int32BitsToSingle((int)(bits + i * 5000));
            var inputs = (float[])values.Clone();
            Run(values);
            for (var i = 0; i < 16; i++)
            {
                var expected = Math.Exp(inputs[i]);
                if (float.IsNaN(inputs[i]))
                    Assert.True(float.IsNaN(values[i]));
                else if (expected > float.MaxValue)
                    Assert.Equal(float.PositiveInfinity, values[i]);
                else
                    worst = Math.Max(worst, Math.Abs(values[i] - expected) / Math.Max(expected * Math.Pow(2, -23), 1.4e-45));
            }
        }
        Assert.InRange(worst, 0, 2);
    });

    /// <summary>Caps at every 50,000th float, in rows of odd lengths.</summary>
    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void SoftCapsAreWithinAFewUnitsOfTheLastPlace(Tier tier) => OpTesting.At(tier, () =>
    {
        foreach (var cap in new[] { 1f, 3f, 30f, 50f })
            for (var bits = 0L; bits < 1L << 32; bits += 50_000 * 21)
            {
                var x = Enumerable.Range(0, 21).Select(i => BitConverter.Int32BitsToSingle((int)(bits + i * 50_000))).ToArray();
                var y = new OpTesting.Guarded(x.Length);
                x.CopyTo(y.Span);
                SoftCap.Apply(OpTesting.Pool, y.Span, cap);
                y.Check("soft cap");
                for (var i = 0; i < x.Length; i++)
                    if (float.IsNaN(x[i]))
                        Assert.True(float.IsNaN(y.Span[i]));
                    else
                        Assert.Equal(cap * Math.Tanh((double)x[i] / cap), y.Span[i], Math.Max(6e-7 * Math.Abs(cap * Math.Tanh((double)x[i] / cap)), cap * 3e-45)); // x / cap may be subnormal
            }
    });

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void EveryHalfLoads(Tier tier) => OpTesting.At(tier, () =>
    {
        var halves = new Half[65536];
        for (var i = 0; i < halves.Length; i++)
            halves[i] = BitConverter.UInt16BitsToHalf((ushort)i);
        var floats = new float[halves.Length];
        fixed (Half* source = halves)
        fixed (float* destination = floats)
        {
            var kernel = new WidenKernel { Source = source, Destination = destination, Length = halves.Length };
            Kernel.RunHere(ref kernel);
        }
        for (var i = 0; i < halves.Length; i++)
            if (Half.IsNaN(halves[i]))
                Assert.True(float.IsNaN(floats[i]));
            else
                Assert.Equal(BitConverter.SingleToInt32Bits((float)halves[i]), BitConverter.SingleToInt32Bits(floats[i]));
    });

    private static void Run(float[] values)
    {
        fixed (float* p = values)
        {
            var kernel = new ExpKernel { Values = p, Length = values.Length };
            Kernel.RunHere(ref kernel);
        }
    }

    private struct ExpKernel : IKernel
    {
        public float* Values;
        public int Length;

        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            for (var i = 0; i < Length; i += V.Count)
                LaneMath.Exp(V.Load(Values + i)).Store(Values + i);
        }
    }

    private struct WidenKernel : IKernel
    {
        public Half* Source;
        public float* Destination;
        public int Length;

        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            for (var i = 0; i < Length; i += V.Count)
                V.Load(Source + i).Store(Destination + i);
        }
    }
}
