using System.Runtime.InteropServices;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Inspection;

/// <summary>Compares what two models hold without integer codes: full-precision matrices, norms, biases.</summary>
internal static class PlainTensors
{
    /// <summary>One line for each tensor that differs, and how many there are in either.</summary>
    public static (IReadOnlyList<string> Differences, int Total) Differences(LoadedModel a, LoadedModel b, CancellationToken cancel)
    {
        var (first, second) = (Of(a), Of(b));
        var differences = new List<string>();
        foreach (var (name, tensor) in first)
        {
            cancel.ThrowIfCancellationRequested();
            if (!second.TryGetValue(name, out var other))
                differences.Add($"{name}: only in the first");
            else if (Difference(tensor, other) is { } how)
                differences.Add($"{name}: {how}");
        }
        differences.AddRange(second.Keys.Except(first.Keys).Select(name => $"{name}: only in the second"));
        return (differences, first.Count + second.Keys.Count(name => !first.ContainsKey(name)));
    }

    private static Dictionary<string, (WeightMatrix? Matrix, Parameter? Vector)> Of(LoadedModel model) =>
        model.Decoder.Weights().Where(w => w.Matrix is not PackedMatrix).ToDictionary(w => w.Name, w => (w.Matrix, w.Vector), StringComparer.Ordinal);

    private static string? Difference((WeightMatrix? Matrix, Parameter? Vector) a, (WeightMatrix? Matrix, Parameter? Vector) b)
    {
        var (rows, columns) = Shape(a);
        if ((rows, columns) != Shape(b))
            return $"[{rows}, {columns}] in the first, [{Shape(b).Rows}, {Shape(b).Columns}] in the second";
        var (x, y) = (new float[columns], new float[columns]);
        var (count, largest) = (0L, 0.0);
        for (var row = 0; row < rows; row++)
        {
            Read(a, row, x);
            Read(b, row, y);
            if (MemoryMarshal.AsBytes(x.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(y.AsSpan())))
                continue;
            for (var i = 0; i < columns; i++)
                if (x[i] != y[i])
                    (count, largest) = (count + 1, Math.Max(largest, Math.Abs((double)x[i] - y[i])));
        }
        return count == 0 ? null : FormattableString.Invariant($"{count} of {(long)rows * columns} values differ, by at most {largest:G3}");
    }

    private static (int Rows, int Columns) Shape((WeightMatrix? Matrix, Parameter? Vector) tensor) =>
        tensor.Matrix is { } matrix ? (matrix.Rows, matrix.Columns) : (1, checked((int)tensor.Vector!.Value.Length));

    private static void Read((WeightMatrix? Matrix, Parameter? Vector) tensor, int row, Span<float> values)
    {
        if (tensor.Matrix is { } matrix)
            matrix.ReadTile(row, 1, 0, matrix.Columns, values, matrix.Columns);
        else
            tensor.Vector!.Value.Span.CopyTo(values);
    }
}
