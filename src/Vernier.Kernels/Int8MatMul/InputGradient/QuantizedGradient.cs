namespace Vernier.Kernels;

/// <summary>Memory for output gradients in 8 bits: what <see cref="Int8Gemm.BackwardInput(WorkerPool, ReadOnlySpan{float}, int, PackedMatrix, uint, QuantizedGradient, Span{float}, bool)"/>
/// rounds dY to. Reusable: it grows to the largest batch and stays.</summary>
/// <param name="codes">Activations whose memory is used, and whose contents are lost: a pass back needs them no more.</param>
internal sealed unsafe class QuantizedGradient(QuantizedActivations codes) : IDisposable
{
    private readonly GroupScaledGradient _groupScaled = new();
    private NativeBuffer<float> _rowScales = new(0);

    /// <summary>Takes dY [tokens, out] in for dX = dY Ŵ, Ŵ = s (q + o / s) with one scale a row: dY·s is rounded up or down at
    /// random, so that its mean is right, and multiplied by the codes alone; the offsets' share of a token's dX is one number, its total.</summary>
    /// <param name="weight">One group a row.</param>
    /// <param name="key">Same key, same roundings, whatever the number of workers.</param>
    internal RowScaledOperand TakeRowScaled(WorkerPool pool, float* dy, int tokens, PackedMatrix weight, uint key)
    {
        codes.Reserve(tokens, weight.Rows);
        QuantizedActivations.Grow(ref _rowScales, 3L * codes.Stride);
        var scales = new RowScaledGradient(_rowScales.Pointer, codes.Stride);
        scales.Set(weight);
        var job = new RoundJob { Source = dy, Target = codes, Scales = scales, Key = key };
        pool.Run(ref job);
        if (Int8CodeWidth.IsWide(weight.Bits))
            codes.Widen();
        return new(codes, weight.Bits);
    }

    /// <summary>The same for a weight with scales of groups of columns, which are still to be multiplied in.</summary>
    internal GroupScaledOperand<TRounding> TakeGroupScaled<TRounding>(WorkerPool pool, float* dy, int tokens, PackedMatrix weight, uint key)
        where TRounding : struct, IStochasticRounding
    {
        _groupScaled.Set(pool, dy, tokens, weight, key);
        return new(_groupScaled, weight);
    }

    /// <summary>Memory for an input gradient whose columns are still in a weight's order.</summary>
    internal float* InOrder(int tokens, int columns) => codes.ReserveValues((long)tokens * columns);

    /// <inheritdoc/>
    public void Dispose()
    {
        _groupScaled.Dispose();
        _rowScales.Dispose();
    }

    private struct RoundJob : IParallelJob
    {
        public float* Source;
        public QuantizedActivations Target;
        public RowScaledGradient Scales;
        public uint Key;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share(Target.Tokens, worker, workers);
            for (var t = start; t < end; t++)
                Target.Totals[t] = Scales.Row(Source + (long)t * Target.Columns, Target.Columns, Key + (uint)t * (uint)Target.Stride,
                    Target.Codes + (long)t * Target.Stride, Target.Scales + (long)t * Target.Groups);
        }
    }
}
