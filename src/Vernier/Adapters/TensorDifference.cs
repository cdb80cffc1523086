using Vernier.Tuning;

namespace Vernier.Adapters;

/// <summary>How one tensor differs.</summary>
/// <param name="Only">a or b where the other has no such tensor of this shape; else null.</param>
/// <param name="Values">Values compared.</param>
/// <param name="Changed">Values that differ.</param>
/// <param name="Largest">Largest difference.</param>
/// <param name="RootMeanSquare">Of all differences.</param>
internal sealed record TensorDifference(string Name, string? Only, long Values, long Changed, double Largest, double RootMeanSquare)
{
    internal static TensorDifference Of(string name, AdapterTensor? a, AdapterTensor? b)
    {
        if (a is null || b is null || !a.Shape.SequenceEqual(b.Shape))
            return new(name, a is null ? "b" : b is null ? "a" : "both, of other shapes", 0, 0, 0, 0);
        var (changed, largest, squares) = (0L, 0.0, 0.0);
        for (var i = 0; i < a.Values.Length; i++)
        {
            var difference = Math.Abs((double)a.Values[i] - b.Values[i]);
            changed += difference != 0 ? 1 : 0;
            largest = Math.Max(largest, difference);
            squares += difference * difference;
        }
        return new(name, null, a.Values.Length, changed, largest, Math.Sqrt(squares / Math.Max(1, a.Values.Length)));
    }
}
