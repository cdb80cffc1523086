namespace Vernier.Kernels.Tests;

/// <summary>Integer products of weights whose groups are any sets of columns: to the bit those of the same weight with its columns brought in order
/// and of activations whose columns are.</summary>
public sealed class ActivationOrderTests : IDisposable
{
    private readonly WorkerPool _pool = new(2);
    private readonly QuantizedActivations _x = new();
    private readonly QuantizedGradient _gradient;

    private static readonly (int Columns, int Group)[] Shapes = [(64, 32), (100, 64), (320, 64), (576, 32), (576, 64), (1100, 128), (600, 32)];

    public static TheoryData<Tier, int, int> TiersBitsTokens
    {
        get
        {
            var data = new TheoryData<Tier, int, int>();
            foreach (var tier in Tiers.Here)
                foreach (var bits in new[] { 2, 3, 4, 8 })
                    foreach (var tokens in new[] { 1, 3, 13 })
                        data.Add(tier, bits, tokens);
            return data;
        }
    }

    public ActivationOrderTests() => _gradient = new QuantizedGradient(_x);

    public void Dispose()
    {
        _gradient.Dispose();
        _pool.Dispose();
        _x.Dispose();
    }

    [Theory]
    [MemberData(nameof(TiersBitsTokens))]
    public void ForwardIsThatOfColumnsInOrder(Tier tier, int bits, int tokens)
    {
        foreach (var (columns, group) in Shapes)
            foreach (var (rows, narrow) in new[] { (13, false), (36, true) })
            {
                var (weight, ordered) = Pair(rows, columns, bits, group);
                if (narrow)
                {
                    Halve(weight);
                    Halve(ordered);
                    ordered.StoreScales();
                    weight.StoreScales();
                    Assert.Equal(group == 32, ordered.Scales.IsHalf);
                    Assert.Equal(group == 32, weight.Scales.IsHalf);
                    Assert.Equal(Arranged(weight.ToArray(), weight.Order!), ordered.ToArray());
                }
                var (x, y) = (Matrices.Values(tokens * columns, 3), Matrices.Values(tokens * rows, 4));
                var factors = Array.ConvertAll(Matrices.Values(tokens * weight.Groups, 5), v => 1 + 0.2f * v);
                float[]?[] rowFactors = [.. Enumerable.Range(0, tokens).Select(t => t % 3 == 1 ? null : Matrices.Values(rows, 6 + t))];
                foreach (var accumulate in new[] { false, true })
                    AssertSame(to => Int8Gemm.Forward((InstructionTier)tier, _pool, _x, weight, to, accumulate), to => Int8Gemm.Forward((InstructionTier)tier, _pool, _x, ordered, to, accumulate));
                AssertSame(to => WithFactors(weight, to), to => WithFactors(ordered, to));
                weight.Dispose();
                ordered.Dispose();

                void AssertSame(Matrices.SpanAction found, Matrices.SpanAction expected)
                {
                    _x.Quantize(_pool, Arranged(x, weight.Order!), tokens, columns);
                    var right = Matrices.Poisoned(y, expected);
                    _x.Quantize(_pool, x, tokens, columns, weight.Order);
                    var product = Matrices.Poisoned(y, found);
                    if (tier >= Tier.Vector256 || tokens <= 4)
                        Assert.Equal(right, product);
                    else // products in fp32, which add up in the order of the columns
                        Matrices.AssertClose(right, product, [.. right.Select(_ => columns / 4f)], columns);
                }

                void WithFactors(PackedMatrix matrix, Span<float> to)
                {
                    _x.BeginFactors(factors, group);
                    Int8Gemm.Forward((InstructionTier)tier, _pool, _x, matrix, rowFactors, to);
                    _x.EndFactors();
                }
            }
    }

    [WideVectorTheory]
    [MemberData(nameof(TiersBitsTokens))]
    public void BackwardIsThatOfColumnsInOrder(Tier tier, int bits, int tokens)
    {
        if (tier < Tier.Vector256)
            return;
        const int rows = 40;
        foreach (var (columns, group) in Shapes)
        {
            var (weight, ordered) = Pair(rows, columns, bits, group);
            var (dy, dx) = (Matrices.Values(tokens * rows, 3), Matrices.Values(tokens * columns, 4));
            foreach (var accumulate in new[] { false, true })
            {
                var expected = Matrices.Poisoned(Arranged(dx, weight.Order!), to => Int8Gemm.BackwardInput((InstructionTier)tier, _pool, dy, tokens, ordered, 7, _gradient, to, accumulate));
                var found = Matrices.Poisoned(dx, to => Int8Gemm.BackwardInput((InstructionTier)tier, _pool, dy, tokens, weight, 7, _gradient, to, accumulate));
                Assert.Equal(expected, Arranged(found, weight.Order!));
            }
            weight.Dispose();
            ordered.Dispose();
        }
    }

    [Fact]
    public void EqualGroupsShareOneOrder()
    {
        var index = Shuffled(96, 32, seed: 1);
        var order = ColumnOrder.Of(index, 32)!;
        Assert.Same(order, ColumnOrder.Of([.. index], 32));
        Assert.NotSame(order, ColumnOrder.Of(Shuffled(96, 32, seed: 2), 32));
        Assert.Equal(Enumerable.Range(0, 96).OrderBy(c => index[c]).ThenBy(c => c), order.Columns.ToArray());
        Assert.All(Enumerable.Range(0, 96), c => Assert.Equal(c, order.Columns[order.Places[c]]));
        index[Array.IndexOf(index, 1)] = 0;
        Assert.Null(ColumnOrder.Of(index, 32));
    }

    [Fact]
    public void ActivationsInAnotherOrderAreRefused()
    {
        var (weight, ordered) = Pair(4, 64, 4, 32);
        _x.Quantize(_pool, new float[64], 1, 64);
        Assert.Throws<ArgumentException>(() => Int8Gemm.Forward(_pool, _x, weight, new float[4]));
        _x.Quantize(_pool, new float[64], 1, 64, weight.Order);
        Int8Gemm.Forward(_pool, _x, weight, new float[4]);
        Assert.Throws<ArgumentException>(() => Int8Gemm.Forward(_pool, _x, ordered, new float[4]));
        Assert.Throws<ArgumentException>(() => _x.Quantize(_pool, new float[96], 1, 96, weight.Order));
        weight.Dispose();
        ordered.Dispose();
    }

    // The same weight twice, the second with its columns in order.
    private static (PackedMatrix Weight, PackedMatrix Ordered) Pair(int rows, int columns, int bits, int group)
    {
        var weight = Matrices.Packed(rows, columns, bits, group, 1, groupIndex: Shuffled(columns, group, seed: 2));
        Assert.True(Int8Gemm.Supports(weight));
        var ordered = new PackedMatrix(rows, columns, bits, group).WithScales(new TunedScales(weight.Scales));
        var (codes, arranged) = (new byte[columns], new byte[columns]);
        for (var r = 0; r < rows; r++)
        {
            weight.ReadCodes(r, 0, codes);
            for (var place = 0; place < columns; place++)
                arranged[place] = codes[weight.Order!.Columns[place]];
            ordered.SetRowCodes(r, arranged);
        }
        Assert.Equal(Arranged(weight.ToArray(), weight.Order!), ordered.ToArray());
        return (weight, ordered);
    }

    private static int[] Shuffled(int columns, int group, int seed)
    {
        var index = Enumerable.Range(0, columns).Select(c => c / group).ToArray();
        new Random(seed).Shuffle(index);
        return index;
    }

    private static float[] Arranged(float[] rows, ColumnOrder order)
    {
        var columns = order.Columns.Length;
        var arranged = new float[rows.Length];
        for (var i = 0; i < rows.Length; i++)
            arranged[i] = rows[i / columns * columns + order.Columns[i % columns]];
        return arranged;
    }

    private static void Halve(PackedMatrix weight)
    {
        foreach (var values in new[] { weight.TunedScales.Scale, weight.TunedScales.Offset })
            foreach (ref var value in values.Span)
                value = (float)(Half)value;
    }
}
