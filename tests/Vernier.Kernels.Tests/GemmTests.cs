namespace Vernier.Kernels.Tests;

public sealed class GemmTests : IDisposable
{
    private readonly WorkerPool _one = new(1);
    private readonly WorkerPool _three = new(3);

    // Around every edge: one, less than a tile, a tile, one more; depths over the blocks' 384; columns that fill no chunk.
    private static readonly (int Tokens, int Rows, int Columns, int Bits, int Group)[] Cases =
    [
        (1, 1, 1, 4, 0), (1, 7, 33, 4, 32), (2, 64, 64, 2, 16), (3, 5, 130, 3, 8), (5, 33, 100, 5, 24), (8, 40, 1100, 4, 32), (7, 3, 2049, 8, 64),
        (9, 31, 63, 6, 16), (12, 32, 64, 4, 32), (13, 33, 65, 8, 0), (24, 16, 385, 4, 128), (25, 97, 400, 3, 64), (61, 6, 18, 7, 6),
        (100, 70, 50, 4, 7), (37, 400, 24, 4, 12), (17, 130, 1000, 5, 0), (50, 401, 33, 2, 32),
    ];

    public static TheoryData<Tier, int> TiersAndCases
    {
        get
        {
            var data = new TheoryData<Tier, int>();
            foreach (var tier in Tiers.Here)
                for (var i = 0; i < Cases.Length; i++)
                    data.Add(tier, i);
            return data;
        }
    }

    public void Dispose()
    {
        _one.Dispose();
        _three.Dispose();
    }

    [Theory]
    [MemberData(nameof(TiersAndCases))]
    public void ForwardAgreesWithReference(Tier tier, int index)
    {
        var (tokens, rows, columns, _, _) = Cases[index];
        foreach (var weight in Weights(index))
            using (weight)
                foreach (var accumulate in new[] { false, true })
                {
                    var (x, y) = (Matrices.Values(tokens * columns, 1), Matrices.Values(tokens * rows, 2));
                    var (expected, magnitude) = ((float[])y.Clone(), Absolute(y));
                    GemmReference.Forward(x, tokens, weight, expected, accumulate);
                    GemmReference.Forward(Absolute(x), tokens, Absolute(weight), magnitude, true);
                    foreach (var pool in new[] { _one, _three })
                        Matrices.AssertClose(expected, Matrices.Poisoned(y, to => Gemm.Forward((InstructionTier)tier, pool, x, tokens, weight, to, accumulate)), magnitude, columns);
                }
    }

    [Theory]
    [MemberData(nameof(TiersAndCases))]
    public void BackwardInputAgreesWithReference(Tier tier, int index)
    {
        var (tokens, rows, columns, _, _) = Cases[index];
        foreach (var weight in Weights(index))
            using (weight)
                foreach (var accumulate in new[] { false, true })
                {
                    var (dy, dx) = (Matrices.Values(tokens * rows, 3), Matrices.Values(tokens * columns, 4));
                    var (expected, magnitude) = ((float[])dx.Clone(), Absolute(dx));
                    GemmReference.BackwardInput(dy, tokens, weight, expected, accumulate);
                    GemmReference.BackwardInput(Absolute(dy), tokens, Absolute(weight), magnitude, true);
                    foreach (var pool in new[] { _one, _three })
                        Matrices.AssertClose(expected, Matrices.Poisoned(dx, to => Gemm.BackwardInput((InstructionTier)tier, pool, dy, tokens, weight, to, accumulate)), magnitude, rows);
                }
    }

    [Theory]
    [MemberData(nameof(TiersAndCases))]
    public void WeightGradientAgreesWithReference(Tier tier, int index)
    {
        var (tokens, rows, columns, _, _) = Cases[index];
        var (dy, x) = (Matrices.Values(tokens * rows, 5), Matrices.Values(tokens * columns, 6));
        var (expected, magnitude) = (new GradientStore(rows, columns), new GradientStore(rows, columns));
        GemmReference.WeightGradient(dy, x, tokens, rows, columns, expected);
        GemmReference.WeightGradient(Absolute(dy), Absolute(x), tokens, rows, columns, magnitude);
        foreach (var pool in new[] { _one, _three })
        {
            var store = new GradientStore(rows, columns);
            Gemm.WeightGradient((InstructionTier)tier, pool, dy, x, tokens, rows, columns, store);
            store.AssertComplete();
            Matrices.AssertClose(expected.Values, store.Values, magnitude.Values, tokens);
        }
    }

    [Theory]
    [MemberData(nameof(Tiers.Supported), MemberType = typeof(Tiers))]
    public void WorkersDoNotChangeABit(Tier tier)
    {
        const int tokens = 75, rows = 200, columns = 500;
        using var weight = Matrices.Packed(rows, columns, 4, 32, 1);
        var (x, dy) = (Matrices.Values(tokens * columns, 1), Matrices.Values(tokens * rows, 2));
        float[]? first = null;
        for (var threads = 1; threads <= 6; threads++)
        {
            using var pool = new WorkerPool(threads);
            var (y, dx) = (new float[tokens * rows], new float[tokens * columns]);
            var gradient = new GradientStore(rows, columns);
            Gemm.Forward((InstructionTier)tier, pool, x, tokens, weight, y, false);
            Gemm.BackwardInput((InstructionTier)tier, pool, dy, tokens, weight, dx, false);
            Gemm.WeightGradient((InstructionTier)tier, pool, dy, x, tokens, rows, columns, gradient);
            float[] all = [.. y, .. dx, .. gradient.Values];
            first ??= all;
            Assert.Equal(first, all);
        }
    }

    [Fact]
    public void LongSumsGoInSeveralRounds()
    {
        const int tokens = 13, rows = 330_000, columns = 3; // more packed depths than one round holds
        using var weight = Matrices.Dense(rows, columns, 1);
        var dy = Matrices.Values(tokens * rows, 2);
        var (expected, actual, magnitude) = (new float[tokens * columns], new float[tokens * columns], new float[tokens * columns]);
        GemmReference.BackwardInput(dy, tokens, weight, expected, false);
        using var absolute = Absolute(weight);
        GemmReference.BackwardInput(Absolute(dy), tokens, absolute, magnitude, false);
        Gemm.BackwardInput(_three, dy, tokens, weight, actual);
        Matrices.AssertClose(expected, actual, magnitude, 1000);
    }

    [Fact]
    public void WideGradientsGoInSeveralRounds()
    {
        const int tokens = 6000, rows = 3, columns = 800; // more packed columns than one round holds
        var (dy, x) = (Matrices.Values(tokens * rows, 1), Matrices.Values(tokens * columns, 2));
        var (expected, magnitude, store) = (new GradientStore(rows, columns), new GradientStore(rows, columns), new GradientStore(rows, columns));
        GemmReference.WeightGradient(dy, x, tokens, rows, columns, expected);
        GemmReference.WeightGradient(Absolute(dy), Absolute(x), tokens, rows, columns, magnitude);
        Gemm.WeightGradient(_three, dy, x, tokens, rows, columns, store);
        store.AssertComplete();
        Matrices.AssertClose(expected.Values, store.Values, magnitude.Values, 1000);
    }

    [Fact]
    public void ManyTokensGoInSeveralRounds()
    {
        const int tokens = 2100, rows = 9, columns = 70;
        using var weight = Matrices.Packed(rows, columns, 4, 32, 1);
        var x = Matrices.Values(tokens * columns, 2);
        var (expected, actual, magnitude) = (new float[tokens * rows], new float[tokens * rows], new float[tokens * rows]);
        GemmReference.Forward(x, tokens, weight, expected, false);
        using var absolute = Absolute(weight);
        GemmReference.Forward(Absolute(x), tokens, absolute, magnitude, false);
        Gemm.Forward(_three, x, tokens, weight, actual);
        Matrices.AssertClose(expected, actual, magnitude, columns);
    }

    [Fact]
    public void NothingIsAllocatedAfterTheFirstCall()
    {
        const int tokens = 30, rows = 64, columns = 96;
        using var weight = Matrices.Packed(rows, columns, 4, 32, 1);
        var (x, y, dx) = (new float[tokens * columns], new float[tokens * rows], new float[tokens * columns]);
        var sink = new NullSink();
        Step();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Step();
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());

        void Step()
        {
            Gemm.Forward(_three, x, tokens, weight, y);
            Gemm.Forward(_three, x, 2, weight, y);
            Gemm.BackwardInput(_three, y, tokens, weight, dx);
            Gemm.WeightGradient(_three, y, x, tokens, rows, columns, sink);
        }
    }

    [Fact]
    public void ShortSpansAreRefused()
    {
        using var weight = Matrices.Dense(4, 6, 1);
        Assert.Throws<ArgumentException>(() => Gemm.Forward(_one, new float[11], 2, weight, new float[8]));
        Assert.Throws<ArgumentException>(() => Gemm.Forward(_one, new float[12], 2, weight, new float[7]));
        Assert.Throws<ArgumentException>(() => Gemm.BackwardInput(_one, new float[7], 2, weight, new float[12]));
        Assert.Throws<ArgumentException>(() => Gemm.WeightGradient(_one, new float[8], new float[11], 2, 4, 6, new GradientStore(4, 6)));
        Gemm.Forward(_one, [], 0, weight, []);
    }

    private static IEnumerable<WeightMatrix> Weights(int index)
    {
        var (_, rows, columns, bits, group) = Cases[index];
        yield return Matrices.Packed(rows, columns, bits, group, index);
        yield return Matrices.Dense(rows, columns, index);
    }

    private static float[] Absolute(float[] values) => Array.ConvertAll(values, MathF.Abs);

    private static DenseMatrix Absolute(WeightMatrix weight)
    {
        var matrix = new DenseMatrix(weight.Rows, weight.Columns);
        Absolute(weight.ToArray()).CopyTo(matrix.Values.Span);
        return matrix;
    }

    private sealed class NullSink : IGradientTileSink
    {
        public void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride)
        {
        }
    }

    /// <summary>Keeps the tiles, and holds them to the sink's contract.</summary>
    private sealed class GradientStore(int rows, int columns) : IGradientTileSink
    {
        private readonly int[] _seen = new int[rows * columns];
        private readonly int[] _owner = new int[rows];
        private readonly int[] _next = new int[rows];

        public float[] Values { get; } = new float[rows * columns];

        public void Accept(int worker, int row, int tileRows, int column, int tileColumns, Span<float> tile, int stride)
        {
            for (var r = 0; r < tileRows; r++)
            {
                if (Interlocked.CompareExchange(ref _owner[row + r], worker + 1, 0) is var owner && owner != 0 && owner != worker + 1)
                    throw new InvalidOperationException("a row of two workers");
                if (column != _next[row + r])
                    throw new InvalidOperationException("tiles of a row out of order");
                _next[row + r] = column + tileColumns;
                for (var c = 0; c < tileColumns; c++)
                {
                    Values[(row + r) * columns + column + c] = tile[r * stride + c];
                    _seen[(row + r) * columns + column + c]++;
                }
            }
        }

        public void AssertComplete() => Assert.All(_seen, n => Assert.Equal(1, n));
    }
}
