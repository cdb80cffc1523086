namespace Vernier.Kernels.Tests;

public sealed class QuantizedActivationsTests : IDisposable
{
    private const int Tokens = 3;
    private readonly WorkerPool _one = new(1);
    private readonly QuantizedActivations _quantized = new();

    public void Dispose()
    {
        _quantized.Dispose();
        _one.Dispose();
    }

    /// <summary>Fewer than four whole groups, exactly four, some that are done twice, a group in part, padding.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(96)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(130)]
    [InlineData(160)]
    [InlineData(250)]
    [InlineData(576)]
    public unsafe void A_group_is_the_multiples_of_its_scale_that_are_nearest(int columns)
    {
        var x = Matrices.Values(Tokens * columns, 5);
        x[^1] = 0;
        if (columns > 32)
            Array.Clear(x, 0, 32);
        _quantized.Quantize(_one, x, Tokens, columns);
        for (var t = 0; t < Tokens; t++)
            for (var g = 0; g < _quantized.Groups; g++)
            {
                var first = Math.Min(columns, g * QuantizedActivations.GroupSize);
                var group = x.AsSpan(t * columns + first, Math.Min(QuantizedActivations.GroupSize, columns - first)).ToArray();
                var max = group.Select(MathF.Abs).Append(QuantizedActivations.LeastMax).Max();
                var codes = new ReadOnlySpan<sbyte>(_quantized.Codes + t * _quantized.Stride + g * QuantizedActivations.GroupSize, QuantizedActivations.GroupSize).ToArray();
                var expected = group.Select(v => (sbyte)MathF.Round(v * (127 / max)));
                Assert.Equal(expected.Concat(new sbyte[QuantizedActivations.GroupSize - group.Length]), codes);
                Assert.Equal(max / 127, _quantized.Scales[t * _quantized.Groups + g]);
                Assert.Equal(max / 127 * codes.Sum(code => code), _quantized.Sums[t * _quantized.Groups + g]);
            }
    }

    /// <summary>The inverse of their scale would be infinite.</summary>
    [Theory]
    [InlineData(20)]
    [InlineData(200)]
    public unsafe void Groups_of_the_smallest_numbers_are_zero(int columns)
    {
        _quantized.Quantize(_one, [.. Enumerable.Repeat(1e-40f, columns)], 1, columns);
        Assert.Equal(new sbyte[columns], new ReadOnlySpan<sbyte>(_quantized.Codes, columns).ToArray());
        Assert.Equal(new float[_quantized.Groups], new ReadOnlySpan<float>(_quantized.Sums, _quantized.Groups).ToArray());
    }

    [Theory]
    [InlineData(float.NaN, 20)]
    [InlineData(float.NaN, 200)]
    [InlineData(float.NegativeInfinity, 20)]
    [InlineData(float.NegativeInfinity, 200)]
    public unsafe void What_is_not_finite_shows_in_the_scale(float value, int at)
    {
        var x = Matrices.Values(256, 6);
        x[at] = value;
        _quantized.Quantize(_one, x, 1, x.Length);
        for (var g = 0; g < _quantized.Groups; g++)
            Assert.Equal(g != at / QuantizedActivations.GroupSize, float.IsFinite(_quantized.Scales[g]));
    }
}
