namespace Vernier.Kernels.Tests;

/// <summary>Random operands with a poisoned rim, and the bound that a product in fp32 has to keep.</summary>
internal static class Matrices
{
    private const int Rim = 32;

    public static float[] Values(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = (float)(random.NextDouble() * 2 - 1);
        return values;
    }

    public static PackedMatrix Packed(int rows, int columns, int bits, int groupSize, int seed, float[]? codebook = null, int[]? groupIndex = null)
    {
        var random = new Random(seed);
        var matrix = new PackedMatrix(rows, columns, bits, groupSize, codebook, groupIndex);
        SetRandomCodes(matrix, random);
        var scales = matrix.TunedScales;
        for (var i = 0; i < scales.Scale.Length; i++)
        {
            scales.Scale.Span[i] = (float)(random.NextDouble() + 0.1) / (1 << bits);
            scales.Offset.Span[i] = (float)-random.NextDouble() / 2;
        }
        return matrix;
    }

    /// <summary>Draws every code, row by row.</summary>
    public static void SetRandomCodes(PackedMatrix matrix, Random random)
    {
        var codes = new byte[matrix.Columns];
        for (var r = 0; r < matrix.Rows; r++)
        {
            for (var c = 0; c < codes.Length; c++)
                codes[c] = (byte)random.Next(1 << matrix.Bits);
            matrix.SetRowCodes(r, codes);
        }
    }

    public static DenseMatrix Dense(int rows, int columns, int seed)
    {
        var matrix = new DenseMatrix(rows, columns);
        Values(rows * columns, seed).CopyTo(matrix.Values.Span);
        return matrix;
    }

    /// <summary>Runs <paramref name="body"/> on a copy of <paramref name="start"/> that lies between poison, and returns the copy.</summary>
    public static float[] Poisoned(float[] start, SpanAction body)
    {
        var buffer = new float[start.Length + 2 * Rim];
        Array.Fill(buffer, float.NaN);
        start.CopyTo(buffer, Rim);
        body(buffer.AsSpan(Rim, start.Length));
        Assert.All(buffer[..Rim], x => Assert.True(float.IsNaN(x), "written before the span"));
        Assert.All(buffer[^Rim..], x => Assert.True(float.IsNaN(x), "written behind the span"));
        return buffer[Rim..^Rim];
    }

    /// <summary>|actual - expected| ≤ (4 + depth / 8) eps Σ|a b|, element by element; <paramref name="magnitude"/> is Σ|a b|.
    /// Sums of n terms in w lanes and blocks stay far below the worst case n eps.</summary>
    public static void AssertClose(float[] expected, float[] actual, float[] magnitude, int depth)
    {
        for (var i = 0; i < expected.Length; i++)
        {
            var bound = (4 + depth / 8.0) * 1.2e-7 * magnitude[i] + 1e-30;
            if (!(Math.Abs(expected[i] - actual[i]) <= bound))
                Assert.Fail($"element {i}: expected {expected[i]}, found {actual[i]}, bound {bound:E1}");
        }
    }

    public delegate void SpanAction(Span<float> destination);
}
