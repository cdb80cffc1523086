namespace Vernier.Kernels.Tests;

/// <summary>Every body of a matrix product that this machine can run, by name, on shapes that it serves, also where another one would be chosen, beside the reference.</summary>
public sealed unsafe class BodyTests : IntegerProductTests
{
    private static readonly (int Tokens, int Rows, int Columns, int Group)[] s_shapes =
    [
        (1, 1, 33, 0), (1, 3, 96, 32), (1, 12, 224, 32), (1, 13, 256, 32), (1, 8, 512, 32), (1, 28, 576, 32), (1, 9, 704, 32), (1, 20, 1088, 32), (1, 17, 1376, 32), (1, 8, 2048, 32),
        (1, 21, 640, 64), (1, 16, 1100, 128), (1, 9, 200, 0),
        (2, 5, 100, 64), (3, 24, 576, 32), (4, 17, 352, 32), (4, 8, 640, 32), (3, 6, 1100, 128), (2, 12, 130, 0), (2, 3, 64, 32),
        (5, 32, 64, 0), (7, 40, 576, 32), (8, 8, 1024, 32), (11, 16, 768, 32), (13, 8, 1536, 32), (8, 8, 8192, 32), (13, 65, 200, 96), (20, 70, 130, 64), (50, 3, 31, 0),
        (1, 3, 64, 16), (1, 13, 250, 16), (1, 28, 576, 16), (1, 20, 1024, 16), (2, 9, 512, 16), (3, 24, 256, 16), (4, 12, 768, 16), (2, 5, 100, 16), (3, 24, 576, 16), (4, 17, 352, 16), (7, 40, 576, 16), (13, 65, 200, 16), (20, 70, 145, 16),
    ];

    // IQ4_NL, and MXFP4 times two.
    private static readonly float[][] s_codebooks =
    [
        [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113],
        [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12],
    ];

    public static TheoryData<string, int> Int8Cases => Cases(Int8Bodies.Forward);

    public static TheoryData<string, int> CodebookCases
    {
        get
        {
            var data = new TheoryData<string, int>();
            foreach (var row in Here(Int8Bodies.Forward))
                for (var i = 0; i < s_shapes.Length; i++)
                    if (s_codebooks.Any(book => row.Serves(CodebookShape(book, i))))
                        data.Add(row.Body.Name, i);
            return data;
        }
    }

    public static TheoryData<string, int> Int8GradientCases => Cases(Int8Bodies.InputGradient);

    public static TheoryData<string> Fp32Bodies => [.. Here(GemmBodies.Forward).Select(row => row.Body.Name)];

    public static TheoryData<string> Fp32GradientBodies => [.. Here(GemmBodies.Gradients).Select(row => row.Body.Name)];

    /// <summary>Scales in fp32, in fp16, and in fp16 with one zero point for all.</summary>
    [Theory]
    [MemberData(nameof(Int8Cases))]
    public void Int8BodiesAgreeWithReference(string name, int index)
    {
        var body = Int8Bodies.Forward.Rows.Single(row => row.Body.Name == name);
        var (tokens, rows, columns, group) = s_shapes[index];
        foreach (var bits in BitsOf(body, index))
            foreach (var (halves, uniform) in new[] { (false, false), (true, false), (true, true) })
            {
                using var weight = Weight(rows, columns, bits, group, uniform);
                var (values, y) = (Matrices.Values(tokens * columns, 1), Matrices.Values(tokens * rows, 2));
                var (expected, magnitude) = (new float[y.Length], Array.ConvertAll(y, MathF.Abs));
                var accumulate = index % 2 == 0;
                _x.Quantize(_one, values, tokens, columns);
                y.CopyTo(expected, 0);
                Int8Reference.Forward(_x, weight, expected, accumulate);
                AddMagnitude(weight, values, tokens, magnitude);
                if (halves)
                    weight.StoreScales();
                var found = Matrices.Poisoned(y, to => Int8Gemm.Forward(body.Body, _one, _x, weight, to, accumulate));
                Matrices.AssertClose(expected, found, magnitude, columns / 32);
                Assert.Equal(found, Matrices.Poisoned(y, to => Int8Gemm.Forward(body.Body, _three, _x, weight, to, accumulate)));
            }
    }

    /// <summary>Codebooks of integers, with scales in fp32 and in fp16, with offsets and without: the errors are those of values of up to twice their size.</summary>
    [Theory]
    [MemberData(nameof(CodebookCases))]
    public void BodiesOfCodebooksAgreeWithReference(string name, int index)
    {
        var body = Int8Bodies.Forward.Rows.Single(row => row.Body.Name == name);
        var (tokens, rows, columns, group) = s_shapes[index];
        foreach (var book in s_codebooks.Where(book => body.Serves(CodebookShape(book, index))))
            foreach (var (halves, offsets) in new[] { (false, true), (true, false), (true, true) })
            {
                using var weight = Weight(rows, columns, 4, group, uniform: false, book);
                if (!offsets)
                    weight.TunedScales.Offset.Span.Clear();
                var (values, y) = (Matrices.Values(tokens * columns, 1), new float[tokens * rows]);
                var (expected, magnitude) = (new float[y.Length], new float[y.Length]);
                _x.Quantize(_one, values, tokens, columns);
                Int8Reference.Forward(_x, weight, expected, accumulate: false);
                using (var largest = Weight(rows, columns, 4, group, uniform: false, [.. Enumerable.Repeat(2 * book.Max(MathF.Abs) + 2, 16)]))
                    AddMagnitude(largest, values, tokens, magnitude);
                weight.StoreScales(halves);
                var found = Matrices.Poisoned(y, to => Int8Gemm.Forward(body.Body, _one, _x, weight, to, accumulate: false));
                Matrices.AssertClose(expected, found, magnitude, columns / 32);
                Assert.Equal(found, Matrices.Poisoned(y, to => Int8Gemm.Forward(body.Body, _three, _x, weight, to, accumulate: false)));
            }
    }

    /// <summary>A gradient's parts are rounded up or down by less than a step: no product is farther off than all of them together.</summary>
    [WideVectorTheory]
    [MemberData(nameof(Int8GradientCases))]
    public void Int8GradientBodiesAreWithinTheirSteps(string name, int index)
    {
        var body = Int8Bodies.InputGradient.Rows.Single(row => row.Body.Name == name);
        var (tokens, rows, columns, group) = s_shapes[index];
        foreach (var bits in BitsOf(body, index))
        {
            using var weight = Weight(rows, columns, bits, group, uniform: false);
            var (dy, dx) = (Matrices.Values(tokens * rows, 1), Matrices.Values(tokens * columns, 2));
            var expected = (float[])dx.Clone();
            GemmReference.BackwardInput(dy, tokens, weight, expected, accumulate: true);
            var found = Matrices.Poisoned(dx, to => Int8Gemm.BackwardInput(body.Body, _one, dy, tokens, weight, 7, _gradient, to, accumulate: true));
            Assert.Equal(found, Matrices.Poisoned(dx, to => Int8Gemm.BackwardInput(body.Body, _three, dy, tokens, weight, 7, _gradient, to, accumulate: true)));
            for (var t = 0; t < tokens; t++)
                for (var j = 0; j < columns; j++)
                {
                    var (bound, off) = (Steps(weight, dy.AsSpan(t * rows, rows), j), Math.Abs(found[t * columns + j] - expected[t * columns + j]));
                    Assert.True(off <= 1.02 * bound + 1e-4, $"token {t}, column {j}: {off} off, steps of {bound} together");
                }
        }
    }

    [Theory]
    [MemberData(nameof(Fp32Bodies))]
    public void Fp32BodiesAgreeWithReference(string name)
    {
        var body = GemmBodies.Forward.Rows.Single(row => row.Body.Name == name);
        foreach (var (tokens, rows, columns, group) in s_shapes)
        {
            if (!body.Serves(new(4, group == 0 ? columns : group, rows, columns, tokens)))
                continue;
            using var weight = Weight(rows, columns, 4, group, uniform: false);
            var (x, y) = (Matrices.Values(tokens * columns, 1), Matrices.Values(tokens * rows, 2));
            var (expected, magnitude) = ((float[])y.Clone(), Array.ConvertAll(y, MathF.Abs));
            GemmReference.Forward(x, tokens, weight, expected, accumulate: true);
            using var absolute = Absolute(weight);
            GemmReference.Forward(Array.ConvertAll(x, MathF.Abs), tokens, absolute, magnitude, accumulate: true);
            Matrices.AssertClose(expected, Matrices.Poisoned(y, to =>
            {
                fixed (float* a = x, c = to)
                    body.Body.Forward(_three, a, tokens, weight, c, accumulate: true);
            }), magnitude, columns);
        }
    }

    [Theory]
    [MemberData(nameof(Fp32GradientBodies))]
    public void Fp32GradientBodiesAgreeWithReference(string name)
    {
        var body = GemmBodies.Gradients.Rows.Single(row => row.Body.Name == name).Body;
        foreach (var (tokens, rows, columns, group) in s_shapes)
        {
            using var weight = Weight(rows, columns, 4, group, uniform: false);
            using var absolute = Absolute(weight);
            var (dy, x) = (Matrices.Values(tokens * rows, 1), Matrices.Values(tokens * columns, 2));
            var (absoluteDy, absoluteX) = (Array.ConvertAll(dy, MathF.Abs), Array.ConvertAll(x, MathF.Abs));
            var (expected, magnitude) = (new float[x.Length], new float[x.Length]);
            GemmReference.BackwardInput(dy, tokens, weight, expected, accumulate: false);
            GemmReference.BackwardInput(absoluteDy, tokens, absolute, magnitude, accumulate: false);
            Matrices.AssertClose(expected, Matrices.Poisoned(new float[x.Length], to =>
            {
                fixed (float* a = dy, c = to)
                    body.BackwardInput(_three, a, tokens, weight, c, accumulate: false);
            }), magnitude, rows);
            (expected, magnitude) = (new float[rows * columns], new float[rows * columns]);
            for (var t = 0; t < tokens; t++)
                for (var i = 0; i < expected.Length; i++)
                {
                    expected[i] += dy[t * rows + i / columns] * x[t * columns + i % columns];
                    magnitude[i] += absoluteDy[t * rows + i / columns] * absoluteX[t * columns + i % columns];
                }
            using var gradient = new NativeBuffer<float>(expected.Length);
            fixed (float* a = dy, b = x)
                body.WeightGradient(_three, a, b, tokens, rows, columns, new DenseGradientSink(gradient, columns));
            Matrices.AssertClose(expected, gradient.Span.ToArray(), magnitude, tokens);
        }
    }

    /// <summary>So that none is without a case where a machine has its vectors; and a name is one body's.</summary>
    [Fact]
    public void EveryBodyHasAShapeAndAName()
    {
        Check(GemmBodies.Forward);
        Check(GemmBodies.Gradients);
        Check(Int8Bodies.Forward);
        Check(Int8Bodies.InputGradient);

        static void Check<TBody>(MatMulTable<TBody> table)
            where TBody : class, IMatMulBody
        {
            Assert.Equal(table.Rows.Count, table.Rows.Select(row => row.Body.Name).Distinct().Count());
            Assert.All(table.Rows.Where(Runs), row => Assert.Contains(Enumerable.Range(0, s_shapes.Length), i => BitsOf(row, i).Any()));
        }
    }

    /// <summary>What `vernier bench --list` prints is what the tables choose.</summary>
    [Fact]
    public void TheListHoldsEveryBodyAndEveryShapeOnce()
    {
        var list = KernelList.Read();
        var names = new[] { GemmBodies.Forward.Rows.Count, GemmBodies.Gradients.Rows.Count, Int8Bodies.Forward.Rows.Count, Int8Bodies.InputGradient.Rows.Count };
        Assert.Equal(names.Sum(), list.Count);
        Assert.All(list, body => Assert.True(body.RunsHere || body.ChosenFor.Count == 0));
        foreach (var product in list.GroupBy(body => body.Product))
        {
            var shapes = product.SelectMany(body => body.ChosenFor).ToList();
            Assert.Equal(shapes.Count, shapes.Distinct().Count());
            if (product.Key.Contains("forward", StringComparison.Ordinal))
                Assert.Equal(7 * 4 * 3 * 6, shapes.Count);
        }
    }

    private static TheoryData<string, int> Cases<TBody>(MatMulTable<TBody> table)
        where TBody : class, IMatMulBody
    {
        var data = new TheoryData<string, int>();
        foreach (var row in Here(table))
            for (var i = 0; i < s_shapes.Length; i++)
                if (BitsOf(row, i).Any())
                    data.Add(row.Body.Name, i);
        return data;
    }

    private static IEnumerable<MatMulTable<TBody>.Row> Here<TBody>(MatMulTable<TBody> table)
        where TBody : class, IMatMulBody => table.Rows.Where(Runs);

    private static bool Runs<TBody>(MatMulTable<TBody>.Row row)
        where TBody : class, IMatMulBody => InstructionTiers.IsSupported(row.Tier) && (StochasticRounding6Avx512.IsSupported || !row.Body.Name.Contains(nameof(StochasticRounding6Avx512), StringComparison.Ordinal));

    // Widths of codes that a body serves in a shape.
    private static IEnumerable<int> BitsOf<TBody>(MatMulTable<TBody>.Row row, int index)
        where TBody : class, IMatMulBody
    {
        var (tokens, rows, columns, group) = s_shapes[index];
        return Enumerable.Range(2, 7).Where(bits => row.Serves(new(bits, group == 0 ? columns : Math.Min(group, columns), rows, columns, tokens)));
    }

    private static MatMulShape CodebookShape(float[] book, int index)
    {
        var (tokens, rows, columns, group) = s_shapes[index];
        using var weight = new PackedMatrix(rows, columns, 4, group, book);
        return MatMulShape.Of(weight, tokens);
    }

    private static PackedMatrix Weight(int rows, int columns, int bits, int group, bool uniform, float[]? codebook = null)
    {
        var weight = Matrices.Packed(rows, columns, bits, group, 1, codebook);
        var scale = weight.TunedScales.Scale.Span;
        var offset = weight.TunedScales.Offset.Span;
        for (var i = 0; i < scale.Length; i++)
        {
            scale[i] = (float)(Half)scale[i];
            offset[i] = uniform ? -(1 << bits - 1) * scale[i] : (float)(Half)offset[i];
        }
        return weight;
    }

    private void AddMagnitude(PackedMatrix weight, float[] values, int tokens, float[] magnitude)
    {
        using var absolute = weight.WithScales(new TunedScales(weight.Scales));
        foreach (ref var offset in absolute.TunedScales.Offset.Span)
            offset = MathF.Abs(offset);
        _absolute.Quantize(_one, Array.ConvertAll(values, MathF.Abs), tokens, weight.Columns);
        Int8Reference.Forward(_absolute, absolute, magnitude, true);
    }

    private static DenseMatrix Absolute(WeightMatrix weight)
    {
        var matrix = new DenseMatrix(weight.Rows, weight.Columns);
        Array.ConvertAll(weight.ToArray(), MathF.Abs).CopyTo(matrix.Values.Span);
        return matrix;
    }

    // Σ of a step of each row, max|dy r| c / 127 among its 32, times what it is met by: q + o / s for one scale a row (r = s, c = 1), else q less the middle code.
    private static double Steps(PackedMatrix weight, ReadOnlySpan<float> dy, int column)
    {
        var (rows, groups, group) = (weight.Rows, weight.Groups, weight.GroupOf(column));
        var (scales, offsets) = weight.Scales.ToArrays();
        var codes = new byte[1];
        var ofGroup = new float[groups];
        for (var i = 0; i < rows * groups; i++)
            ofGroup[i % groups] = MathF.Max(ofGroup[i % groups], groups == 1 ? 1 : Size(i));
        var sum = 0.0;
        for (var first = 0; first < rows; first += 32)
        {
            var most = 0f;
            for (var i = first; i < Math.Min(rows, first + 32); i++)
                most = MathF.Max(most, MathF.Abs(dy[i]) * LargestOf(i));
            for (var i = first; i < Math.Min(rows, first + 32); i++)
            {
                weight.ReadCodes(i, column, codes);
                var met = groups == 1 ? codes[0] + offsets[i] / scales[i] : codes[0] - (1 << weight.Bits) / 2;
                sum += most * ofGroup[group] / 127 * Math.Abs(met);
            }
        }
        return sum;

        float Size(int i) => MathF.Max(MathF.Abs(scales[i]), groups == 1 ? 0 : MathF.Abs(offsets[i]) / (1 << weight.Bits));

        float LargestOf(int row)
        {
            var largest = 0f;
            for (var g = 0; g < groups; g++)
                largest = MathF.Max(largest, Size(row * groups + g) / ofGroup[g]);
            return largest;
        }
    }
}
