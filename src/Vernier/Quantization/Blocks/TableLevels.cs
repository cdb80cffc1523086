using System.Runtime.Intrinsics;

namespace Vernier.Quantization.Blocks;

/// <summary>The levels of a table, in rising order.</summary>
internal readonly struct TableLevels(IReadOnlyList<sbyte> table) : ILevels
{
    private readonly float[] _levels = [.. table.Select(v => (float)v)];
    private readonly float[] _middles = [.. table.Skip(1).Zip(table, (next, one) => (next + one) / 2f)];
    private readonly float[] _steps = [.. table.Skip(1).Zip(table, (next, one) => (float)(next - one))];

    public float Lowest => _levels[0];

    public float Highest => _levels[^1];

    public Vector256<float> Nearest(Vector256<float> values)
    {
        var nearest = Vector256.Create(_levels[0]);
        for (var i = 0; i < _middles.Length; i++)
            nearest += Vector256.GreaterThan(values, Vector256.Create(_middles[i])) & Vector256.Create(_steps[i]);
        return nearest;
    }

    public byte Code(float value)
    {
        var code = 0;
        while (code < _middles.Length && value > _middles[code])
            code++;
        return (byte)code;
    }
}
