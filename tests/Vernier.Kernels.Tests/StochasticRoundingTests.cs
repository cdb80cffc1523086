namespace Vernier.Kernels.Tests;

/// <summary>Gradients are rounded at random, each by a number of its own.</summary>
public unsafe class StochasticRoundingTests
{
    [Fact]
    public void Neighbours_do_not_round_together()
    {
        const int Rows = 32, Tokens = 200;
        using var weight = new PackedMatrix(Rows, 32, 4, 32);
        weight.TunedScales.Scale.Span.Fill(1);
        using var memory = new NativeBuffer<float>(3 * Rows);
        var gradient = new RowScaledGradient(memory.Pointer, Rows);
        gradient.Set(weight);
        var dy = new float[Rows];
        dy.AsSpan().Fill(0.5f);
        dy[^1] = 127; // a step of 1
        var (up, together, codes, scale) = (0, 0, new sbyte[Rows], 0f);
        for (var token = 0; token < Tokens; token++)
        {
            fixed (float* from = dy)
            fixed (sbyte* to = codes)
                gradient.Row(from, Rows, (uint)(token * Rows), to, &scale);
            Assert.Equal(1f, scale);
            up += codes[..^1].Count(c => c == 1);
            Assert.All(codes[..^1], c => Assert.InRange(c, 0, 1));
            together += codes[..8].Distinct().Count() == 1 ? 1 : 0;
        }
        // Half of them go up: off by less than four deviations. Eight agree by chance once in 128.
        Assert.InRange(up, Tokens * 31 / 2 - 4 * Math.Sqrt(Tokens * 31 / 4.0), Tokens * 31 / 2 + 4 * Math.Sqrt(Tokens * 31 / 4.0));
        Assert.InRange(together, 0, 8);
    }
}
