using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Inspection;

/// <summary>What <c>verify A B</c> tells. Property names in snake_case are the fields of the JSON result.</summary>
/// <param name="CodesEqual">Every quantized matrix of A is in B with the same integer codes, and B has no other; null where neither has any.</param>
/// <param name="ScalesChanged">Scales (with their offsets) that differ.</param>
/// <param name="ScalesTotal">Scales compared.</param>
/// <param name="MaxRelativeChange">Largest |b - a| / |a| of a scale.</param>
/// <param name="Differences">Matrices that are missing or whose codes differ, with how; where neither model has codes, tensors.</param>
/// <param name="TensorsEqual">All tensors without codes are in both models with the same values, to the bit.</param>
/// <param name="TensorsTotal">Tensors without codes in either.</param>
/// <param name="TensorsChanged">Those of them that differ.</param>
public sealed record CodeComparison(bool? CodesEqual, long ScalesChanged, long ScalesTotal, double MaxRelativeChange, IReadOnlyList<string> Differences,
    bool TensorsEqual, int TensorsTotal, int TensorsChanged)
{
    /// <summary>B is what A is, as far as <c>verify</c> asks: the same codes, or, where neither has codes, the same tensors.</summary>
    [JsonIgnore]
    public bool Holds => CodesEqual ?? TensorsEqual;

    /// <summary>Compares the quantized matrices of two models by their Hugging Face names.</summary>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static CodeComparison Of(LoadedModel a, LoadedModel b, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        // In one order, whoever compares: two threads that took them in different orders would wait for each other.
        var swap = RuntimeHelpers.GetHashCode(a) > RuntimeHelpers.GetHashCode(b);
        using var outer = new WorkLease((swap ? b : a).Decoder, (swap ? b : a).Compute, cancel);
        using var inner = new WorkLease((swap ? a : b).Decoder, (swap ? a : b).Compute, cancel);
        var (first, second) = (Packed(a), Packed(b));
        var differences = new List<string>();
        var (changed, total, largest) = (0L, 0L, 0.0);
        foreach (var (name, matrix) in first)
        {
            cancel.ThrowIfCancellationRequested();
            if (!second.TryGetValue(name, out var other))
                differences.Add($"{name}: quantized only in the first");
            else if (matrix.Rows != other.Rows || matrix.Columns != other.Columns)
                differences.Add($"{name}: [{matrix.Rows}, {matrix.Columns}] in the first, [{other.Rows}, {other.Columns}] in the second");
            else
            {
                if (CodesThatDiffer(matrix, other) is > 0 and var count)
                    differences.Add($"{name}: {count} codes differ");
                CompareScales(matrix, other, ref changed, ref total, ref largest);
            }
        }
        differences.AddRange(second.Keys.Except(first.Keys).Select(name => $"{name}: quantized only in the second"));
        bool? equal = first.Count + second.Count == 0 ? null : differences.Count == 0;
        var (plain, tensors) = PlainTensors.Differences(a, b, cancel);
        return new CodeComparison(equal, changed, total, largest, equal is null ? plain : differences, plain.Count == 0, tensors, plain.Count);
    }

    private static Dictionary<string, PackedMatrix> Packed(LoadedModel model) =>
        model.Decoder.Weights().Where(w => w.Matrix is PackedMatrix).ToDictionary(w => w.Name, w => (PackedMatrix)w.Matrix!, StringComparer.Ordinal);

    private static long CodesThatDiffer(PackedMatrix a, PackedMatrix b)
    {
        var (x, y) = (new byte[a.Columns], new byte[a.Columns]);
        var count = 0L;
        for (var row = 0; row < a.Rows; row++)
        {
            a.ReadCodes(row, 0, x);
            b.ReadCodes(row, 0, y);
            if (!x.AsSpan().SequenceEqual(y))
                for (var i = 0; i < x.Length; i++)
                    count += x[i] != y[i] ? 1 : 0;
        }
        return count;
    }

    /// <summary>Groups may be cut differently (a format repeats a scale in each of its blocks): every pair of groups that share a column is compared.</summary>
    private static void CompareScales(PackedMatrix a, PackedMatrix b, ref long changed, ref long total, ref double largest)
    {
        var pairs = Enumerable.Range(0, a.Columns).Select(column => (a.GroupOf(column), b.GroupOf(column))).Distinct().ToArray();
        var (scaleOfA, offsetOfA) = (new float[a.Groups], new float[a.Groups]);
        var (scaleOfB, offsetOfB) = (new float[b.Groups], new float[b.Groups]);
        for (var row = 0; row < a.Rows; row++)
        {
            a.Scales.ReadRow(row, scaleOfA, offsetOfA);
            b.Scales.ReadRow(row, scaleOfB, offsetOfB);
            foreach (var (groupOfA, groupOfB) in pairs)
            {
                var (s, t) = (scaleOfA[groupOfA], scaleOfB[groupOfB]);
                total++;
                if (s != t || offsetOfA[groupOfA] != offsetOfB[groupOfB])
                    changed++;
                if (s != 0)
                    largest = Math.Max(largest, Math.Abs((double)t - s) / Math.Abs(s));
            }
        }
    }
}
