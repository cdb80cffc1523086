using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The head and its softmax cross-entropy, fused over chunks of tokens: the logits [tokens, vocabulary] never exist whole,
/// and tokens without a target cost nothing. Holds the memory of one chunk; keep one for a model. Not for use by two threads at once.</summary>
/// <param name="channels">Input features of the head.</param>
/// <param name="vocabulary">Output features of the head.</param>
internal sealed unsafe class CrossEntropy(int channels, int vocabulary) : IDisposable
{
    /// <summary>Memory for a chunk's logits: a chunk large enough for the matrix product and small enough to keep near the processor.</summary>
    private const long LogitBytes = 24 << 20;

    private readonly int _chunk = ChunkFor(vocabulary);
    private NativeBuffer<float>? _hidden, _hiddenGrad, _logits, _ownLogits;
    private NativeBuffer<double>? _losses;
    private int[] _rows = [];

    /// <summary>Logits z become SoftCap · tanh(z / SoftCap); 0 = they stay.</summary>
    public float SoftCap { get; init; }

    /// <summary>Tokens whose logits exist at once.</summary>
    public int Chunk => _chunk;

    /// <summary>Tokens whose logits exist at once, for a vocabulary of this size.</summary>
    public static int ChunkFor(int vocabulary) => (int)Math.Clamp(LogitBytes / (sizeof(float) * (long)vocabulary) / 16 * 16, 16, 1024);

    /// <summary>Elements that the logits of a chunk take.</summary>
    public long LogitLength => (long)_chunk * vocabulary;

    /// <summary>Puts the logits of the calls to come into memory that is the caller's again between them.</summary>
    /// <param name="logits">At least <see cref="LogitLength"/> elements; their contents are lost.</param>
    public void UseMemory(NativeBuffer<float> logits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(logits.Length, LogitLength, nameof(logits));
        _logits = logits;
    }

    /// <summary>The sum of the negative log-likelihoods of all targets, in nats.</summary>
    /// <param name="hidden">[tokens, channels].</param>
    /// <param name="head">[vocabulary, channels].</param>
    /// <param name="bias">[vocabulary], or empty.</param>
    /// <param name="targets">[tokens]; negative = none.</param>
    public double Loss(WorkerPool pool, ReadOnlySpan<float> hidden, WeightMatrix head, ReadOnlySpan<float> bias, ReadOnlySpan<int> targets)
    {
        Require(hidden, head, bias, targets);
        var sum = 0.0;
        for (var token = 0; Gather(hidden, targets, ref token) is > 0 and var rows;)
            sum += Chunked(pool, head, bias, targets, rows, false, 0, default, default);
        return sum;
    }

    /// <summary>The summed negative log-likelihood, and <paramref name="scale"/> times its gradients.</summary>
    /// <param name="hidden">[tokens, channels].</param>
    /// <param name="head">[vocabulary, channels].</param>
    /// <param name="bias">[vocabulary], or empty.</param>
    /// <param name="targets">[tokens]; negative = none.</param>
    /// <param name="hiddenGrad">[tokens, channels], overwritten; 0 for tokens without a target.</param>
    /// <param name="headGrad">Takes the head's weight gradient, once a chunk (it must add); null when the head is frozen.</param>
    /// <param name="biasGrad">[vocabulary], added to; empty when frozen.</param>
    /// <param name="quantized">Memory for integer arithmetic, which makes the logits then where <see cref="Int8Gemm.Supports"/> the head; null = fp32.</param>
    public double LossAndGradient(
        WorkerPool pool, ReadOnlySpan<float> hidden, WeightMatrix head, ReadOnlySpan<float> bias, ReadOnlySpan<int> targets, float scale,
        Span<float> hiddenGrad, IGradientTileSink? headGrad = null, Span<float> biasGrad = default, QuantizedActivations? quantized = null)
    {
        Require(hidden, head, bias, targets);
        Shapes.Require(hiddenGrad.Length, targets.Length, channels, nameof(hiddenGrad));
        if (!biasGrad.IsEmpty)
            Shapes.Require(biasGrad.Length, 1, vocabulary, nameof(biasGrad));
        hiddenGrad.Clear();
        _hiddenGrad ??= new NativeBuffer<float>((long)_chunk * channels);
        var sum = 0.0;
        for (var token = 0; Gather(hidden, targets, ref token) is > 0 and var rows;)
        {
            sum += Chunked(pool, head, bias, targets, rows, true, scale, default, default, quantized);
            var logitsGrad = _logits!.Slice(0, rows * vocabulary);
            var chunkGrad = _hiddenGrad.Slice(0, rows * channels);
            Gemm.BackwardInput(pool, logitsGrad, rows, head, chunkGrad);
            for (var r = 0; r < rows; r++)
                chunkGrad.Slice(r * channels, channels).CopyTo(hiddenGrad.Slice(_rows[r] * channels, channels));
            if (headGrad is not null)
                Gemm.WeightGradient(pool, logitsGrad, _hidden!.Slice(0, rows * channels), rows, vocabulary, channels, headGrad);
            if (!biasGrad.IsEmpty)
                Bias.Gradient(pool, logitsGrad, rows, biasGrad);
        }
        return sum;
    }

    /// <summary>The log-probability of every target (0 where there is none), and whether it was the arg-max (the first on ties).</summary>
    /// <param name="hidden">[tokens, channels].</param>
    /// <param name="head">[vocabulary, channels].</param>
    /// <param name="bias">[vocabulary], or empty.</param>
    /// <param name="targets">[tokens]; negative = none.</param>
    /// <param name="logProbabilities">[tokens].</param>
    /// <param name="greedy">[tokens]; false where there is no target.</param>
    public void LogProbabilities(
        WorkerPool pool, ReadOnlySpan<float> hidden, WeightMatrix head, ReadOnlySpan<float> bias, ReadOnlySpan<int> targets,
        Span<float> logProbabilities, Span<bool> greedy)
    {
        Require(hidden, head, bias, targets);
        Shapes.Require(logProbabilities.Length, 1, targets.Length, nameof(logProbabilities));
        Shapes.Require(greedy.Length, 1, targets.Length, nameof(greedy));
        logProbabilities.Clear();
        greedy.Clear();
        for (var token = 0; Gather(hidden, targets, ref token) is > 0 and var rows;)
            Chunked(pool, head, bias, targets, rows, false, 0, logProbabilities, greedy);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _hidden?.Dispose();
        _hiddenGrad?.Dispose();
        _ownLogits?.Dispose();
        _losses?.Dispose();
    }

    /// <summary>Packs the next scored tokens, at most a chunk; their indices go to _rows.</summary>
    private int Gather(ReadOnlySpan<float> hidden, ReadOnlySpan<int> targets, ref int token)
    {
        _logits ??= _ownLogits = new NativeBuffer<float>(LogitLength);
        if (_hidden is null)
        {
            _hidden = new NativeBuffer<float>((long)_chunk * channels);
            _losses = new NativeBuffer<double>(_chunk);
            _rows = new int[_chunk];
        }
        var rows = 0;
        for (; token < targets.Length && rows < _chunk; token++)
            if (targets[token] >= 0)
            {
                hidden.Slice(token * channels, channels).CopyTo(_hidden!.Slice((long)rows * channels, channels));
                _rows[rows++] = token;
            }
        return rows;
    }

    private double Chunked(
        WorkerPool pool, WeightMatrix head, ReadOnlySpan<float> bias, ReadOnlySpan<int> targets, int rows, bool gradient, float scale,
        Span<float> logProbabilities, Span<bool> greedy, QuantizedActivations? quantized = null)
    {
        var logits = _logits!.Slice(0, rows * vocabulary);
        if (quantized is not null && head is PackedMatrix packed && Int8Gemm.Supports(packed))
        {
            quantized.Quantize(pool, _hidden!.Slice(0, rows * channels), rows, channels);
            Int8Gemm.Forward(pool, quantized, packed, logits);
        }
        else
        {
            Gemm.Forward(pool, _hidden!.Slice(0, rows * channels), rows, head, logits);
        }
        fixed (float* pb = bias, pl = logProbabilities)
        fixed (bool* pg = greedy)
        fixed (int* pt = targets, pr = _rows)
        {
            var kernel = new RowsKernel
            {
                Logits = _logits.Pointer,
                Bias = pb,
                LogProbabilities = pl,
                Losses = _losses!.Pointer,
                Greedy = pg,
                Targets = pt,
                Tokens = pr,
                Rows = rows,
                Vocabulary = vocabulary,
                Scale = scale,
                Cap = SoftCap,
                Gradient = gradient,
            };
            Kernel.Run(pool, ref kernel, (long)rows * vocabulary * 8);
        }
        var sum = 0.0;
        for (var r = 0; r < rows; r++)
            sum += _losses.Pointer[r];
        return sum;
    }

    private void Require(ReadOnlySpan<float> hidden, WeightMatrix head, ReadOnlySpan<float> bias, ReadOnlySpan<int> targets)
    {
        if (head.Rows != vocabulary || head.Columns != channels)
            throw new ArgumentException($"a head of {head.Rows} x {head.Columns}, expected {vocabulary} x {channels}", nameof(head));
        Shapes.Require(hidden.Length, targets.Length, channels, nameof(hidden));
        if (!bias.IsEmpty)
            Shapes.Require(bias.Length, 1, vocabulary, nameof(bias));
        for (var t = 0; t < targets.Length; t++)
            if (targets[t] >= vocabulary)
                throw new ArgumentOutOfRangeException(nameof(targets), $"target {targets[t]} of token {t} is not in a vocabulary of {vocabulary}");
    }

    /// <summary>Rows of logits: bias, loss, log-probability, arg-max, and (softmax - one-hot) * scale in place of the logits.</summary>
    private struct RowsKernel : IKernel
    {
        public float* Logits, Bias, LogProbabilities;
        public double* Losses;
        public bool* Greedy;
        public int* Targets, Tokens;
        public int Rows, Vocabulary;
        public float Scale, Cap;
        public bool Gradient;

        [ThreadStatic]
        private static NativeBuffer<float>? t_exponentials;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Rows, worker, workers);
            for (var r = start; r < end; r++)
            {
                var row = Logits + (long)r * Vocabulary;
                var token = Tokens[r];
                if (Bias is not null)
                    AddBias<V>(row);
                if (Cap != 0)
                    Kernels.SoftCap.Row<V>(row, Vocabulary, Cap);
                var maximum = Reduce.Maximum<V>(row, Vocabulary);
                var target = row[Targets[token]];
                if (Greedy is not null)
                    Greedy[token] = target == maximum && !HasBefore(row, Targets[token], maximum);
                var exponentials = Cap == 0 || !Gradient ? row : Scratch.Get(ref t_exponentials, Vocabulary); // the capped logits are needed still
                var sum = Gradient ? Reduce.ExpSum<V>(row, maximum, Vocabulary, exponentials) : Reduce.ExpSum<V>(row, maximum, Vocabulary);
                var loss = maximum - (double)target + Math.Log(sum);
                Losses[r] = loss;
                if (LogProbabilities is not null)
                    LogProbabilities[token] = (float)-loss;
                if (Gradient && Cap == 0)
                {
                    Multiply<V>(row, (float)(Scale / sum));
                    row[Targets[token]] -= Scale;
                }
                else if (Gradient)
                {
                    CappedGradient<V>(row, exponentials, (float)(Scale / sum), Targets[token]);
                }
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void AddBias<V>(float* row)
            where V : unmanaged, ILanes<V>
        {
            var i = 0;
            for (; i <= Vocabulary - V.Count; i += V.Count)
                (V.Load(row + i) + V.Load(Bias + i)).Store(row + i);
            for (; i < Vocabulary; i++)
                row[i] += Bias[i];
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Multiply<V>(float* row, float factor)
            where V : unmanaged, ILanes<V>
        {
            var i = 0;
            for (; i <= Vocabulary - V.Count; i += V.Count)
                (V.Load(row + i) * V.Create(factor)).Store(row + i);
            for (; i < Vocabulary; i++)
                row[i] *= factor;
        }

        /// <summary>(softmax - one-hot) * scale through the cap, in place of the capped logits.</summary>
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void CappedGradient<V>(float* row, float* exponentials, float factor, int target)
            where V : unmanaged, ILanes<V>
        {
            Multiply<V>(exponentials, factor);
            exponentials[target] -= Scale;
            var i = 0;
            for (; i <= Vocabulary - V.Count; i += V.Count)
                (V.Load(exponentials + i) * Kernels.SoftCap.Slope(V.Load(row + i), Cap)).Store(row + i);
            for (; i < Vocabulary; i++)
                row[i] = exponentials[i] * (1 - row[i] / Cap * (row[i] / Cap));
        }

        private static bool HasBefore(float* row, int end, float value)
        {
            for (var i = 0; i < end; i++)
                if (row[i] == value)
                    return true;
            return false;
        }
    }
}
