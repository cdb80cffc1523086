using Vernier.Tuning;

namespace Vernier.Methods.Peqa;

/// <summary>The tensors of PEQA in an adapter file: MODULE.NAME. <see cref="PeqaFactors"/> says how they act.</summary>
internal static class PeqaTensors
{
    /// <summary>[rows] of a channel's factors; [rows, blocks] of those of single blocks.</summary>
    public const string Factor = "factor";

    /// <summary>[rows], beside those of columns.</summary>
    public const string RowFactor = "row_factor";

    /// <summary>[blocks].</summary>
    public const string ColumnFactor = "column_factor";

    /// <summary>U, [rows, rank].</summary>
    public const string LowRankLeft = "factor_u";

    /// <summary>V, [blocks, rank].</summary>
    public const string LowRankRight = "factor_v";

    /// <summary>[rows, groups].</summary>
    public const string Scale = "scale";

    /// <summary>[rows, groups], in units of a code.</summary>
    public const string Zero = "zero";

    /// <summary>How a tensor acts.</summary>
    public static TensorKind KindOf(string tensor) => tensor[(tensor.LastIndexOf('.') + 1)..] switch
    {
        Zero => TensorKind.Adds,
        LowRankLeft => TensorKind.LowRankLeft,
        LowRankRight => TensorKind.LowRankRight,
        _ => TensorKind.Multiplies,
    };

    /// <summary>Factors of blocks as factors of the groups in them.</summary>
    public static ReadOnlySpan<float> OfGroups(ReadOnlySpan<float> factors, int groups, int groupsInBlock)
    {
        if (factors.IsEmpty || groupsInBlock == 1)
            return factors;
        var all = new float[groups];
        for (var g = 0; g < groups; g++)
            all[g] = factors[g / groupsInBlock];
        return all;
    }

    /// <summary>What is learned about a module, where it is factors of rows and of blocks of columns.</summary>
    public static ScaleFactors? FactorsOf(IReadOnlyDictionary<string, AdapterTensor> tensors, string module, int rows)
    {
        var (row, column, factor) = (Values(RowFactor), Values(ColumnFactor), Values(Factor));
        var isMore = Values(Scale) is not null || Values(Zero) is not null || Values(LowRankLeft) is not null || factor?.Length > rows;
        return isMore ? null : new ScaleFactors(row ?? factor, column);

        float[]? Values(string name) => tensors.TryGetValue($"{module}.{name}", out var tensor) ? tensor.Values : null;
    }

    /// <summary>Adapters of version 0.1 have a factor for the only group of a row beside those of the rows: their product is what the row's factor is now, to the bit.</summary>
    public static IReadOnlyDictionary<string, AdapterTensor> WithoutSingleGroups(IReadOnlyDictionary<string, AdapterTensor> tensors)
    {
        const string Row = "." + RowFactor, Column = "." + ColumnFactor;
        var single = tensors.Values.Where(t => t.Name.EndsWith(Column, StringComparison.Ordinal) && t.Shape.Count == 1 && t.Values.Length == 1
            && tensors.ContainsKey(t.Name[..^Column.Length] + Row)).ToList();
        if (single.Count == 0)
            return tensors;
        var kept = tensors.ToDictionary(StringComparer.Ordinal);
        foreach (var column in single)
        {
            kept.Remove(column.Name);
            var row = kept[column.Name[..^Column.Length] + Row];
            kept[row.Name] = row with { Values = [.. row.Values.Select(value => value * column.Values[0])] };
        }
        return kept;
    }
}
