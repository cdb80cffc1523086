using System.Globalization;
using Vernier.Kernels;

namespace Vernier.Bench;

/// <summary>Integer products of GGUF's block formats as they lie in memory, beside Q4_0. All in turns; the best of each counts, so that a busy machine tells the same.</summary>
internal static class FormatTable
{
    private const int Columns = 2048;

    // One in the second-level cache, one beyond all caches.
    private static readonly (int Rows, int Tokens)[] s_products = [(128, 1), (1 << 15, 1), (128, 4), (128, 16), (128, 96)];

    /// <summary>The values of IQ4_NL and IQ4_XS.</summary>
    internal static float[] Levels { get; } = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    private static readonly (string Name, int Bits, ScaleForm Form, bool HasOffsets)[] s_formats =
    [
        ("Q4_0", 4, ScaleForm.Half, false), ("Q4_1", 4, ScaleForm.Half, true), ("Q2_K", 2, ScaleForm.Nibbles16, true), ("Q3_K", 3, ScaleForm.Blocks16, false),
        ("Q4_K", 4, ScaleForm.Blocks8, true), ("Q5_K", 5, ScaleForm.Blocks8, true), ("Q6_K", 6, ScaleForm.Blocks16, false), ("Q8_0", 8, ScaleForm.Half, false),
        ("IQ4_NL", 4, ScaleForm.Half, false), ("IQ4_XS", 4, ScaleForm.Blocks8, false),
    ];

    public static void Print(int threads)
    {
        using var pool = new WorkerPool(threads);
        using var x = new QuantizedActivations();
        foreach (var (rows, tokens) in s_products)
        {
            var weights = s_formats.Select(f => Weight(rows, f.Bits, f.Form, f.HasOffsets, f.Name.StartsWith("IQ", StringComparison.Ordinal) ? Levels : null)).ToArray();
            var y = new float[tokens * rows];
            x.Quantize(pool, Measure.Values(tokens * Columns, 1), tokens, Columns);
            var seconds = BodyTable.Seconds([.. weights.Select(weight => (Action)(() => Int8Gemm.Forward(pool, x, weight, y)))]);
            Console.WriteLine($"## {rows} x {Columns}, {tokens} tokens\n\n| Format | Bytes a block of 32 | Time | Beside Q4_0 | Bytes beside Q4_0 |\n|---|--:|--:|--:|--:|");
            for (var i = 0; i < weights.Length; i++)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"| {s_formats[i].Name} | {weights[i].Bytes * 32.0 / rows / Columns:F2} | {seconds[i] * 1e6:F1} µs | {seconds[i] / seconds[0]:F2} | {(double)weights[i].Bytes / weights[0].Bytes:F2} |"));
            Console.WriteLine();
            foreach (var weight in weights)
                weight.Dispose();
        }
    }

    private static PackedMatrix Weight(int rows, int bits, ScaleForm form, bool hasOffsets, float[]? codebook)
    {
        var group = form is ScaleForm.Blocks16 or ScaleForm.Nibbles16 ? 16 : 32;
        var codes = Measure.Packed(rows, Columns, bits, group, codebook);
        var scale = codes.TunedScales.Scale.Span;
        var offset = codes.TunedScales.Offset.Span;
        scale.Fill(9 / 64f);
        float zero = codebook is null ? 1 << bits - 1 : 0;
        offset.Fill(hasOffsets ? -7 / 8f : codebook is null ? -zero * scale[0] : 0);
        if (form == ScaleForm.Half)
        {
            codes.StoreScales();
            return codes;
        }
        var blocks = new ScaleBlocks(rows, codes.Groups, form, hasOffsets);
        var factors = new Half[codes.Groups / ScaleForms.GroupsOf(form)];
        var minimums = new Half[factors.Length];
        Array.Fill(factors, (Half)(1 / 64f));
        Array.Fill(minimums, (Half)(1 / 8f));
        for (var row = 0; row < rows; row++)
            blocks.SetRow(row, factors, minimums, scale[..codes.Groups], offset[..codes.Groups]);
        var weight = codes.WithScales(new StoredScales(blocks, hasOffsets ? float.NaN : zero));
        codes.Dispose();
        return weight;
    }
}
