using Vernier.Kernels;
using Vernier.Quantization;
using Vernier.Tests.Goldens;

namespace Vernier.Tests.Quantization;

public class LoftQTests
{
    [Theory]
    [GoldenCases("loftq")]
    public void GoldenDecomposition(string name)
    {
        var golden = MethodCase.Load(name);
        var rank = golden.Setting("r");
        using var weight = golden.Dense();
        var (quantized, b, a) = LoftQ.Decompose(weight, rank, w => RoundToNearest.Quantize(w, golden.Bits, golden.Group));
        golden.AssertClose("s", quantized.Scales.ToArrays().Scale, 1e-4);
        golden.AssertClose("dequant", quantized.ToArray(), 1e-4);
        var product = new float[golden.Rows * golden.Columns];
        LowRank.AddProduct(product, golden.Columns, 0, golden.Rows, 0, golden.Columns, b, a, rank, golden.Columns, 1f);
        golden.AssertClose("BA", product, 1e-4);
        quantized.Dispose();
    }

    [Theory]
    [InlineData(20, 31, 3)]
    [InlineData(31, 20, 3)]
    [InlineData(5, 4, 4)]
    public void LowRankMatricesAreFoundExactly(int rows, int columns, int rank)
    {
        var random = new Random(1);
        var (u, v) = (new double[rows * rank], new double[rank * columns]);
        foreach (ref var x in u.AsSpan())
            x = random.NextDouble() - 0.5;
        foreach (ref var x in v.AsSpan())
            x = random.NextDouble() - 0.5;
        var matrix = Product(u, v, rows, columns, rank);
        var (left, right) = LeadingSubspace.Factor(matrix, rows, columns, rank);
        var back = Product(left, right, rows, columns, rank);
        for (var i = 0; i < matrix.Length; i++)
            Assert.Equal(matrix[i], back[i], 1e-9);
    }

    [Fact]
    public void Nf4RoundsToItsCodebook()
    {
        var random = new Random(3);
        var w = new float[12 * 130];
        foreach (ref var v in w.AsSpan())
            v = (float)((random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) / 10);
        using var weight = MethodCase.Dense(w, 12, 130);
        using var plain = Nf4.Quantize(weight, 64, doubleQuantize: false);
        using var packed = Nf4.Quantize(weight);
        var (first, second) = (plain.ToArray(), packed.ToArray());
        var scales = plain.Scales.ToArrays().Scale;
        for (var i = 0; i < 12; i++)
            for (var j = 0; j < 130; j++)
            {
                var scale = w[(i * 130 + j / 64 * 64)..(i * 130 + Math.Min(130, j / 64 * 64 + 64))].Max(Math.Abs);
                Assert.Equal(scale, scales[i * 3 + j / 64]);
                var nearest = Nf4.Codebook.Min(c => Math.Abs(c * scale - w[i * 130 + j]));
                Assert.Equal(nearest, Math.Abs(first[i * 130 + j] - w[i * 130 + j]), 1e-6f);
                Assert.Equal(first[i * 130 + j], second[i * 130 + j], 0.01f * 0.15f);
            }
    }

    [Fact]
    public void Nf4NamesTheGroupOfAWeightThatIsNotFinite()
    {
        var w = new float[2 * 130];
        w[130 + 70] = float.NegativeInfinity;
        using var weight = MethodCase.Dense(w, 2, 130);
        Assert.Contains("row 1, columns 64 to 127", Assert.Throws<InvalidDataException>(() => Nf4.Quantize(weight)).Message);
    }

    private static double[] Product(double[] left, double[] right, int rows, int columns, int rank)
    {
        var product = new double[rows * columns];
        for (var i = 0; i < rows; i++)
            for (var k = 0; k < rank; k++)
                for (var j = 0; j < columns; j++)
                    product[i * columns + j] += left[i * rank + k] * right[k * columns + j];
        return product;
    }
}
