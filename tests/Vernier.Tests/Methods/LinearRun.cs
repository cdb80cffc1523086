using Vernier.Models;

namespace Vernier.Tests.Methods;

/// <summary>Runs one linear forward and backward outside a decoder.</summary>
internal static class LinearRun
{
    public static (float[] Y, float[] DX) ForwardBackward(Linear linear, Compute compute, float[] x, float[] dy, int tokens)
    {
        var y = new float[tokens * linear.OutFeatures];
        linear.Forward(compute, x, tokens, y);
        var dx = new float[tokens * linear.InFeatures];
        linear.Backward(compute, x, linear.NeedsOutput ? y : [], dy, tokens, dx, accumulate: false);
        return (y, dx);
    }

    public static float[] Random(Random random, int length, float size = 1f)
    {
        var values = new float[length];
        foreach (ref var v in values.AsSpan())
            v = size * (2 * random.NextSingle() - 1);
        return values;
    }
}
