using Vernier.Models;

namespace Vernier.Calibration;

/// <summary>Which rows of the current batch count for calibration: all but the first few of each sequence.</summary>
internal sealed class CalibrationRows(int skip)
{
    private readonly List<(int First, int Count)> _ranges = [];

    public IReadOnlyList<(int First, int Count)> Ranges => _ranges;

    public void Set(TokenBatch batch)
    {
        _ranges.Clear();
        for (var s = 0; s < batch.Sequences; s++)
        {
            var first = batch.Starts[s] + skip;
            if (first < batch.Starts[s + 1])
                _ranges.Add((first, batch.Starts[s + 1] - first));
        }
    }
}
