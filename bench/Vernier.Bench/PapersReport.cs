using System.Globalization;
using System.Text;

namespace Vernier.Bench;

/// <summary>The comparison as a table with what the papers say of it, and as a picture.</summary>
internal static class PapersReport
{
    private const int Width = 860, Left = 300, Right = 90, Bar = 26, Top = 60;

    /// <param name="measured">One array a run: its results by learning rate.</param>
    public static void Write(string folder, IReadOnlyList<PapersResult[]> measured, string protocol)
    {
        File.WriteAllText(Path.Combine(folder, "papers.md"), Table(measured, protocol));
        File.WriteAllText(Path.Combine(folder, "papers.svg"), Picture([.. measured.Select(Best)]));
        Console.WriteLine($"{Path.Combine(folder, "papers.md")} and papers.svg");
    }

    private static PapersResult Best(PapersResult[] results) => results.MinBy(r => r.Perplexity)!;

    private static string Table(IReadOnlyList<PapersResult[]> measured, string protocol)
    {
        PapersResult[] rows = [.. measured.Select(Best)];
        var text = new StringBuilder($"""
            # The papers' comparison on a small model

            {protocol}. Every figure is that of the exported GGUF file: merged into integers, scales rounded to fp16, read back. Each method counts at its best of
            the learning rates tried (`bench/Vernier.Bench/PapersRun.cs`). Made by `bench/papers.sh`.

            ![Perplexity](papers.svg)

            | run | trained values | perplexity | learning rate: perplexity |
            |---|---|---|---|

            """);
        foreach (var (row, all) in rows.Zip(measured))
        {
            var tried = row.Rate == 0 ? "" : string.Join(", ", all.Select(r => string.Create(CultureInfo.InvariantCulture, $"{r.Rate:G2}: {r.Perplexity:F2}")));
            text.Append(CultureInfo.InvariantCulture, $"| {row.Name} | {(row.Trained == 0 ? "" : row.Trained.ToString("N0", CultureInfo.InvariantCulture))} | {row.Perplexity:F2} | {tried} |\n");
        }
        text.Append("\n| what the papers report | here |\n|---|---|\n");
        Claim("3 bits per channel: PEQA below LoRA + GPTQ", "PEQA, 3 bits, per channel", "LoRA + GPTQ, 3 bits, per channel");
        Claim("3 bits: PEQA in groups of 256 below per channel", "PEQA, 3 bits, groups of 256", "PEQA, 3 bits, per channel");
        Claim("3 bits: PEQA in groups of 128 below groups of 256", "PEQA, 3 bits, groups of 128", "PEQA, 3 bits, groups of 256");
        Claim("3 bits: PEQA in groups of 64 below groups of 128", "PEQA, 3 bits, groups of 64", "PEQA, 3 bits, groups of 128");
        Claim("4 bits, groups of 64, merged: L4Q below QLoRA", "L4Q, 4 bits, groups of 64", "QLoRA, 4 bits, groups of 64");
        return text.ToString();

        void Claim(string claim, string lower, string higher)
        {
            var (a, b) = (rows.FirstOrDefault(r => r.Name == lower), rows.FirstOrDefault(r => r.Name == higher));
            if (a is not null && b is not null)
                text.Append(CultureInfo.InvariantCulture, $"| {claim} | {(a.Perplexity < b.Perplexity ? "holds" : "does NOT hold")}: {a.Perplexity:F2} against {b.Perplexity:F2} |\n");
        }
    }

    /// <summary>Horizontal bars on a logarithmic axis from 10 on.</summary>
    private static string Picture(IReadOnlyList<PapersResult> rows)
    {
        var height = Top + Bar * rows.Count + 20;
        var most = Math.Log(Math.Max(20, rows.Select(r => r.Perplexity).DefaultIfEmpty(20).Max()) / 10);
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {height}" font-family="sans-serif" font-size="13">
            <rect width="{Width}" height="{height}" fill="white"/>
            <text x="20" y="28" font-size="17">Perplexity of the exported file (logarithmic, from 10)</text>

            """);
        foreach (var (i, row) in rows.Index())
        {
            var length = (Width - Left - Right) * Math.Max(0.01, Math.Log(Math.Max(10, row.Perplexity) / 10) / most);
            var colour = row.Trained == 0 ? "#b0b0b0" : row.Name.StartsWith("PEQA", StringComparison.Ordinal) || row.Name.StartsWith("L4Q", StringComparison.Ordinal) ? "#1f6fb4" : "#d2691e";
            var y = Top + Bar * i;
            svg.Append(CultureInfo.InvariantCulture, $"""
                <text x="{Left - 10}" y="{y + 13}" text-anchor="end">{row.Name}</text><rect x="{Left}" y="{y}" width="{length:F1}" height="18" fill="{colour}"/><text x="{Left + length + 6:F1}" y="{y + 13}">{row.Perplexity:F2}</text>

                """);
        }
        return svg.Append("</svg>\n").ToString();
    }
}
