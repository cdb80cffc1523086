using Vernier.Kernels;

namespace Vernier.Methods.LowRankAdapters;

/// <summary>Reduces tiles of the gradient of scaling · B A to dA and dB (L4Q, equations 13, 14, 29, 30). Rows belong to one worker each;
/// dA sums over rows, so each worker has its own and they are added in worker order. One instance serves all layers in turn.</summary>
internal sealed class LowRankSink(int workers) : IGradientTileSink
{
    private float[] _partial = []; // [workers, rank, in]
    private LowRankFactors _factors = null!;
    private int _columns, _length;

    /// <summary>Points the sink at a layer's factors and clears the partial sums.</summary>
    public void Begin(LowRankFactors factors)
    {
        _factors = factors;
        _columns = factors.A.Shape[1];
        _length = checked((int)factors.A.Value.Length);
        if (_partial.Length < checked(workers * _length))
            _partial = new float[workers * _length];
        Array.Clear(_partial, 0, workers * _length);
    }

    public void Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride) =>
        LowRank.AccumulateGradients(tile, stride, row, rows, column, columns, _factors.B.Value.Span, _factors.A.Value.Span, _factors.Rank, _columns,
            _factors.Scaling, _factors.B.Gradient.Span, _partial.AsSpan(worker * _length, _length));

    /// <summary>Adds the workers' sums to dA.</summary>
    public void End()
    {
        for (var worker = 0; worker < workers; worker++)
            LowRank.AddScaled(_partial.AsSpan(worker * _length, _length), 1f, _factors.A.Gradient.Span);
    }
}
