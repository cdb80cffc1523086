using Vernier.Kernels;
using Vernier.Quantization;
using Vernier.Tests.Goldens;

namespace Vernier.Tests.Quantization;

public class RoundToNearestTests
{
    [Theory]
    [GoldenCases("rtn")]
    public void GoldenGrids(string name)
    {
        var golden = MethodCase.Load(name);
        if (golden.Inputs is null)
        {
            Ties(golden);
            return;
        }
        Check(golden, "asym", GridKind.MinMax);
        Check(golden, "sym", GridKind.Symmetric);
        Check(golden, "mse_asym", GridKind.ClipSearch);
        // The extreme weight of a symmetric full range lies on a tie: its code may be off by one, the error is the same.
        Check(golden, "mse_sym", GridKind.ClipSearchSymmetric, codeTolerance: 1);
        Check(golden, "gptq_sym", GridKind.SymmetricFullRange, codeTolerance: 1);
    }

    private static void Ties(MethodCase golden)
    {
        var w = golden.Tensors["W"];
        using var packed = RoundToNearest.Quantize(MethodCase.Dense(w.Floats, w.Shape[0], w.Shape[1]), golden.Bits, golden.Group);
        Assert.Equal(golden.Tensors["asym.codes_half_even"].Values, Codes(packed));
        golden.AssertClose("asym.s", packed.Scales.ToArrays().Scale, 1e-6);
        Assert.Equal(golden.Tensors["asym.z_half_even"].Values, Zeros(packed));
        golden.AssertClose("asym.dequant_half_even", packed.ToArray(), 1e-6);
    }

    private static void Check(MethodCase golden, string kind, GridKind grid, int codeTolerance = 0)
    {
        using var packed = RoundToNearest.Quantize(golden.Dense(), golden.Bits, golden.Group, grid);
        golden.AssertClose(kind + ".s", packed.Scales.ToArrays().Scale, 1e-6);
        var signed = kind == "sym" ? 1 << (golden.Bits - 1) : 0;
        var codes = Codes(packed);
        var expected = golden.Tensors[kind + ".codes"].Values;
        for (var i = 0; i < codes.Length; i++)
            Assert.True(Math.Abs(codes[i] - signed - expected[i]) <= codeTolerance, $"{kind} code {i}: {codes[i] - signed}, expected {expected[i]}");
        if (golden.Tensors.Has(kind + ".z"))
            Assert.Equal(golden.Tensors[kind + ".z"].Values, Zeros(packed));
        if (golden.Tensors.Has(kind + ".dequant"))
            golden.AssertClose(kind + ".dequant", packed.ToArray(), 1e-6);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void NotFiniteWeightIsRefusedWithItsPlace(float bad)
    {
        var w = new float[3 * 10];
        w[17] = bad;
        var error = Assert.Throws<InvalidDataException>(() => RoundToNearest.Quantize(MethodCase.Dense(w, 3, 10), 4, 4));
        Assert.Contains("row 1, columns 4 to 7", error.Message);
    }

    [Theory]
    [InlineData(0f)]
    [InlineData(1e-45f)]
    [InlineData(-1e38f)]
    public void ConstantGroupsComeBack(float value)
    {
        // A code times a scale and an offset that cancels it leave half a unit in the last place of the offset. Two grids have one code more on one side
        // than on the other, and the largest weight on the other side lies half a step outside.
        const double OfZero = 1e-9;
        var w = new float[20];
        Array.Fill(w, value);
        foreach (var kind in Enum.GetValues<GridKind>())
        {
            using var packed = RoundToNearest.Quantize(MethodCase.Dense(w, 2, 10), 8, 0, kind);
            var step = Math.Abs(value) > OfZero && kind is GridKind.SymmetricFullRange or GridKind.ClipSearchSymmetric ? packed.Scales.ToArrays().Scale[0] : 0;
            foreach (var back in packed.ToArray())
                Assert.True(Math.Abs(back - (double)value) <= OfZero + 1e-6 * Math.Abs((double)value) + 0.5 * step, $"{kind}: {back}");
        }
    }

    private static double[] Codes(PackedMatrix packed)
    {
        var codes = new double[packed.Rows * packed.Columns];
        var row = new byte[packed.Columns];
        for (var i = 0; i < packed.Rows; i++)
        {
            packed.ReadCodes(i, 0, row);
            for (var j = 0; j < row.Length; j++)
                codes[i * packed.Columns + j] = row[j];
        }
        return codes;
    }

    private static double[] Zeros(PackedMatrix packed)
    {
        var (scales, offsets) = packed.Scales.ToArrays();
        var zeros = new double[scales.Length];
        for (var i = 0; i < zeros.Length; i++)
            zeros[i] = Math.Round(-offsets[i] / scales[i] + 0.0);
        return zeros;
    }
}
