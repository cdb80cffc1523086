using System.Globalization;
using Vernier.Cli.Terminal;

namespace Vernier.Cli.Benchmark;

/// <summary>The table of kernels for readers.</summary>
internal static class KernelText
{
    public static void Write(KernelTable table)
    {
        var (columns, tokens) = (Distinct(table, use => use.Columns), Distinct(table, use => use.Tokens));
        Console.Out.WriteLine($"Bodies of matrix products, best first; this machine has {table.Tier}.");
        Console.Out.WriteLine($"Tried: weights of 2 to 8 bits in groups of 32, of 64 and a row, {Join(columns)} columns, {Join(tokens)} tokens.");
        foreach (var product in table.Rows.GroupBy(row => row.Product))
        {
            Console.Out.WriteLine();
            Console.Out.WriteLine(product.Key);
            foreach (var row in product)
                Write(row, columns, tokens);
        }
    }

    private static void Write(KernelRow row, IReadOnlyList<int> columns, IReadOnlyList<int> tokens)
    {
        Console.Out.WriteLine($"  {row.Body} ({row.Tier}{(row.RunsHere ? "" : ", not on this machine")})");
        Line("serves", row.Serves);
        Line("chosen for", row.ChosenFor.Count > 0 ? string.Join("; ", Clauses(row.ChosenFor, columns, tokens)) : "none of these");
    }

    private static void Line(string label, string text)
    {
        foreach (var row in WordWrap.Rows($"    {label}: ", text, Console.IsOutputRedirected ? int.MaxValue : Screen.Width))
            Console.Out.WriteLine(row);
    }

    // Weights that are served alike share a clause: "2-8/64: 1 token".
    private static IEnumerable<string> Clauses(IReadOnlyList<KernelUse> uses, IReadOnlyList<int> allColumns, IReadOnlyList<int> allTokens) =>
        from weight in uses.GroupBy(use => (use.Group, use.Bits))
        group weight.Key by string.Join("; ", Sizes(weight, allColumns, allTokens)) into alike
        select $"{Weights(alike)}{(alike.Key.Length > 0 ? ": " : "")}{alike.Key}";

    private static IEnumerable<string> Sizes(IEnumerable<KernelUse> uses, IReadOnlyList<int> allColumns, IReadOnlyList<int> allTokens)
    {
        foreach (var alike in uses.GroupBy(use => use.Columns, use => use.Tokens).GroupBy(c => Join([.. c.Order()]), c => c.Key))
        {
            var tokens = alike.Key == Join(allTokens) ? "" : $"{alike.Key} {(alike.Key == "1" ? "token" : "tokens")}";
            var columns = alike.Count() == allColumns.Count ? "" : $"{Join([.. alike.Order()])} columns";
            yield return string.Join(" of ", new[] { tokens, columns }.Where(part => part.Length > 0));
        }
    }

    private static string Weights(IEnumerable<(int Group, int Bits)> weights) =>
        string.Join(", ", weights.GroupBy(w => w.Group, w => w.Bits).Select(g => $"{Ranges([.. g.Order()])}/{(g.Key == 0 ? "row" : g.Key.ToString(CultureInfo.InvariantCulture))}"));

    private static string Ranges(int[] values)
    {
        var parts = new List<string>();
        for (int i = 0, end; i < values.Length; i = end)
        {
            for (end = i + 1; end < values.Length && values[end] == values[end - 1] + 1;)
                end++;
            parts.Add(end == i + 1 ? $"{values[i]}" : $"{values[i]}-{values[end - 1]}");
        }
        return string.Join(",", parts);
    }

    private static IReadOnlyList<int> Distinct(KernelTable table, Func<KernelUse, int> size) => [.. table.Rows.SelectMany(row => row.ChosenFor).Select(size).Distinct().Order()];

    private static string Join(IReadOnlyList<int> values) => string.Join(", ", values);
}
