using System.Diagnostics;
using System.Globalization;
using Vernier.Kernels;

namespace Vernier.Bench;

/// <summary>Every body of a matrix product that runs here, on shapes for which it is the first of its table at its own tier, beside the best of those behind it.
/// One thread, weights in the caches, both in turns; the best of each counts, so that a busy machine tells the same.</summary>
internal static unsafe class BodyTable
{
    private const double SecondsOfPair = 0.8;

    private static readonly MatMulShape[] s_forward =
    [
        Shape(4, 32, 576, 576, 1), Shape(4, 32, 192, 1536, 1), Shape(4, 32, 256, 2048, 1), Shape(4, 64, 192, 1536, 1), Shape(4, 0, 192, 1536, 1), Shape(8, 32, 192, 576, 1), Shape(3, 64, 192, 576, 1),
        Shape(4, 32, 576, 576, 2), Shape(4, 32, 256, 2048, 4), Shape(4, 32, 256, 2048, 16), Shape(8, 32, 192, 576, 4), Shape(4, 0, 192, 1536, 4), Shape(4, 64, 192, 1536, 2), Shape(8, 64, 192, 576, 4), Shape(3, 64, 192, 576, 4),
        Shape(8, 32, 3, 576, 1), Shape(4, 32, 3, 576, 1), Shape(4, 32, 192, 576, 48), Shape(4, 0, 192, 576, 48), Shape(6, 32, 192, 576, 48), Shape(8, 32, 192, 576, 48),
        Shape(6, 16, 192, 1536, 1), Shape(6, 16, 192, 1536, 4), Shape(6, 16, 192, 1536, 48), Shape(2, 16, 192, 1536, 1), Book(192, 1536, 1), Book(192, 1536, 4), Book(192, 1536, 48),
    ];

    private static readonly MatMulShape[] s_inputGradient = [Shape(4, 0, 192, 576, 48), Shape(4, 32, 192, 576, 48), Shape(4, 32, 1536, 576, 48), Shape(8, 32, 192, 576, 48)];

    private static readonly MatMulShape[] s_fp32 = [Shape(4, 32, 192, 576, 1), Shape(4, 32, 192, 576, 8), Shape(4, 32, 192, 576, 48), Shape(4, 32, 384, 384, 96)];

    public static void Print()
    {
        using var pool = new WorkerPool(1);
        using var x = new QuantizedActivations();
        using var gradient = new QuantizedGradient(x);
        Print("int8 forward", Int8Bodies.Forward, s_forward, (body, operands) =>
        {
            x.Quantize(pool, operands.X, operands.Shape.Tokens, operands.Shape.Columns);
            return () => Int8Gemm.Forward(body, pool, x, operands.Weight, operands.Y, accumulate: false);
        });
        Print("int8 input gradient", Int8Bodies.InputGradient, s_inputGradient, (body, operands) =>
            () => Int8Gemm.BackwardInput(body, pool, operands.Y, operands.Shape.Tokens, operands.Weight, 1, gradient, operands.X, accumulate: false));
        Print("fp32 forward", GemmBodies.Forward, s_fp32, (body, operands) => () =>
        {
            fixed (float* a = operands.X, c = operands.Y)
                body.Forward(pool, a, operands.Shape.Tokens, operands.Weight, c, accumulate: false);
        });
        Print("fp32 input gradient", GemmBodies.Gradients, s_fp32[2..], (body, operands) => () =>
        {
            fixed (float* a = operands.Y, c = operands.X)
                body.BackwardInput(pool, a, operands.Shape.Tokens, operands.Weight, c, accumulate: false);
        });
        Print("fp32 weight gradient", GemmBodies.Gradients, s_fp32[2..], (body, operands) =>
        {
            var sink = new DenseGradientSink(new NativeBuffer<float>((long)operands.Shape.Rows * operands.Shape.Columns), operands.Shape.Columns);
            return () =>
            {
                fixed (float* a = operands.Y, b = operands.X)
                    body.WeightGradient(pool, a, b, operands.Shape.Tokens, operands.Shape.Rows, operands.Shape.Columns, sink);
            };
        });
    }

    private static MatMulShape Shape(int bits, int group, int rows, int columns, int tokens) => new(bits, group == 0 ? columns : group, rows, columns, tokens);

    /// <summary>Codes of 4 bits that stand for integers of 8, as in IQ4_NL.</summary>
    private static MatMulShape Book(int rows, int columns, int tokens) => Shape(8, 32, rows, columns, tokens) with { HasCodebook = true };

    private static string Weight(MatMulShape shape) =>
        $"{shape.Rows} x {shape.Columns}, {(shape.HasCodebook ? "codebook" : $"{shape.Bits} bits")}/{(shape.Groups == 1 ? "row" : shape.GroupSize)}";

    private static void Print<TBody>(string product, MatMulTable<TBody> table, MatMulShape[] shapes, Func<TBody, Operands, Action> start)
        where TBody : class, IMatMulBody
    {
        Console.WriteLine($"## {product}\n\n| Body | Weight | Tokens | Time | Next best | Ratio |\n|---|---|--:|--:|---|--:|");
        foreach (var row in table.Rows.Where(row => InstructionTiers.IsSupported(row.Tier)))
            foreach (var shape in shapes.Where(shape => row.Serves(shape) && table.Choose(row.Tier, shape) == row.Body))
            {
                using var operands = new Operands(shape);
                var behind = table.Rows.SkipWhile(other => other != row).Skip(1).Where(other => other.Tier <= row.Tier && other.Serves(shape)).Take(2).ToList();
                var seconds = Seconds([.. behind.Prepend(row).Select(r => start(r.Body, operands))]);
                var next = behind.Count == 0 ? 0 : seconds.AsSpan(1).IndexOf(seconds[1..].Min());
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {row.Body.Name} | {Weight(shape)} | {shape.Tokens} | {seconds[0] * 1e6:F2} µs | {(behind.Count == 0 ? "" : behind[next].Body.Name)} | {(behind.Count == 0 ? "" : $"{seconds[next + 1] / seconds[0]:F2}")} |"));
                if (behind.Count == 0)
                    break; // the last of a table: once is enough
            }
        Console.WriteLine();
    }

    // Of each, the best of runs in turns.
    internal static double[] Seconds(Action[] runs)
    {
        foreach (var run in runs)
            for (var i = 0; i < 40; i++)
                run();
        Thread.Sleep(200); // the JIT's second pass
        var best = runs.Select(_ => double.MaxValue).ToArray();
        var together = Array.ConvertAll(runs, AtOnce);
        for (var total = Stopwatch.StartNew(); total.Elapsed.TotalSeconds < SecondsOfPair;)
            for (var i = 0; i < runs.Length; i++)
                for (var n = 0; n < 4; n++)
                {
                    var from = Stopwatch.GetTimestamp();
                    for (var k = 0; k < together[i]; k++)
                        runs[i]();
                    best[i] = Math.Min(best[i], Stopwatch.GetElapsedTime(from).TotalSeconds / together[i]);
                }
        return best;
    }

    // Runs that the clock can time, short enough that some are not interrupted.
    private static int AtOnce(Action run)
    {
        var best = double.MaxValue;
        for (var i = 0; i < 20; i++)
        {
            var from = Stopwatch.GetTimestamp();
            run();
            best = Math.Min(best, Stopwatch.GetElapsedTime(from).TotalSeconds);
        }
        return Math.Max(1, (int)(40e-6 / Math.Max(best, 1e-7)));
    }

    private sealed class Operands : IDisposable
    {
        public Operands(MatMulShape shape)
        {
            Shape = shape;
            Weight = shape.HasCodebook ? Measure.Packed(shape.Rows, shape.Columns, 4, shape.GroupSize, FormatTable.Levels) : Measure.Packed(shape.Rows, shape.Columns, shape.Bits, shape.GroupSize);
            foreach (ref var scale in Weight.TunedScales.Scale.Span)
                scale = 1 / 64f;
            foreach (ref var offset in Weight.TunedScales.Offset.Span)
                offset = -1 / 8f;
            Weight.StoreScales(); // as block formats have them
            (X, Y) = (Measure.Values(shape.Tokens * shape.Columns, 1), Measure.Values(shape.Tokens * shape.Rows, 2));
        }

        public MatMulShape Shape { get; }

        public PackedMatrix Weight { get; }

        public float[] X { get; }

        public float[] Y { get; }

        public void Dispose() => Weight.Dispose();
    }
}
