using System.Numerics;

namespace Vernier.Calibration;

/// <summary>Sums of the squares of a linear's inputs, for an importance matrix. Sums over the tokens of a call are fp32, over calls double, each column by
/// itself: the same on every machine.</summary>
internal sealed class InputSquares(int columns)
{
    private readonly double[] _sums = new double[columns];
    private readonly float[] _call = new float[columns];

    /// <summary>Inputs seen.</summary>
    public long Tokens { get; private set; }

    /// <summary>[columns].</summary>
    public float[] Sums => Array.ConvertAll(_sums, s => (float)s);

    /// <param name="x">[tokens, columns].</param>
    public void Add(ReadOnlySpan<float> x, int tokens)
    {
        Array.Clear(_call);
        for (var t = 0; t < tokens; t++)
        {
            var row = x.Slice(t * columns, columns);
            var i = 0;
            for (; i <= columns - Vector<float>.Count; i += Vector<float>.Count)
            {
                var value = new Vector<float>(row[i..]);
                (new Vector<float>(_call, i) + value * value).CopyTo(_call, i);
            }
            for (; i < columns; i++)
                _call[i] += row[i] * row[i];
        }
        for (var i = 0; i < columns; i++)
            _sums[i] += _call[i];
        Tokens += tokens;
    }
}
