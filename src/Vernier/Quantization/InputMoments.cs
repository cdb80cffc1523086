using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>The second moments of a linear's calibration inputs, H = (2 / N) Σ x xᵀ [in, in]: what GPTQ knows about the data.</summary>
internal sealed class InputMoments : IGradientTileSink, IDisposable
{
    private readonly NativeBuffer<double> _sum;

    public InputMoments(int inFeatures)
    {
        InFeatures = inFeatures;
        _sum = new NativeBuffer<double>((long)inFeatures * inFeatures);
    }

    public int InFeatures { get; }

    /// <summary>Inputs seen.</summary>
    public long Tokens { get; private set; }

    /// <summary>Adds inputs. The product of a batch is fp32, the sum over batches double.</summary>
    /// <param name="x">[tokens, in].</param>
    public void Add(WorkerPool pool, ReadOnlySpan<float> x, int tokens)
    {
        Gemm.WeightGradient(pool, x, x, tokens, InFeatures, InFeatures, this);
        Tokens += tokens;
    }

    /// <summary>Where nothing was seen (an expert that no calibration token was sent to), all inputs count the same: GPTQ rounds to nearest then.</summary>
    public void AssumeEqualInputsIfNone()
    {
        if (Tokens > 0)
            return;
        for (var j = 0; j < InFeatures; j++)
            _sum.Slice((long)j * InFeatures + j, 1)[0] = 1;
        Tokens = 1;
    }

    /// <summary>H, [in, in] row-major; the caller owns it.</summary>
    /// <exception cref="InvalidOperationException">No input was added.</exception>
    public NativeBuffer<double> Hessian()
    {
        if (Tokens == 0)
            throw new InvalidOperationException("no calibration input was added");
        var h = new NativeBuffer<double>(_sum.Length);
        for (long i = 0; i < _sum.Length; i += InFeatures)
        {
            var from = _sum.Slice(i, InFeatures);
            var to = h.Slice(i, InFeatures);
            for (var j = 0; j < InFeatures; j++)
                to[j] = from[j] * 2 / Tokens;
        }
        return h;
    }

    void IGradientTileSink.Accept(int worker, int row, int rows, int column, int columns, Span<float> tile, int stride)
    {
        for (var r = 0; r < rows; r++)
        {
            var sum = _sum.Slice((long)(row + r) * InFeatures + column, columns);
            var line = tile.Slice(r * stride, columns);
            for (var c = 0; c < columns; c++)
                sum[c] += line[c];
        }
    }

    public void Dispose() => _sum.Dispose();
}
