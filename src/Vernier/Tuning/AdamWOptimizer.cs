using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>AdamW with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), over the parameters of a run, moments in fp32.
/// Decay touches only parameters that ask for it, and a floored parameter never falls below its fraction of the start.</summary>
internal sealed class AdamWOptimizer : IDisposable
{
    private const int Chunk = 1 << 20; // elements a span covers, so that buffers may be larger than a span

    private readonly Parameter[] _parameters;
    private readonly NativeBuffer<float>[] _first;
    private readonly NativeBuffer<float>[] _second;
    private readonly NativeBuffer<float>?[] _floor;
    private readonly AdamWSettings _settings;
    private readonly double _weightDecay;
    private readonly Func<Parameter, int, bool>? _trains;
    private readonly int[] _updates; // that each parameter has had: t of the formula

    /// <param name="parameters">What is trained. Floors are taken from their values now, at the start of the run.</param>
    /// <param name="options">Beta1, Beta2, Epsilon and WeightDecay are used.</param>
    /// <param name="trains">Whether a step, from 0, changes a parameter: see <see cref="TuningMethod.Trains"/>; null = every step changes all.</param>
    public AdamWOptimizer(IReadOnlyList<Parameter> parameters, TuneOptions options, Func<Parameter, int, bool>? trains = null)
    {
        _trains = trains;
        _settings = new AdamWSettings(options.Beta1, options.Beta2, options.Epsilon);
        _weightDecay = options.WeightDecay;
        _parameters = [.. parameters];
        _first = new NativeBuffer<float>[_parameters.Length];
        _second = new NativeBuffer<float>[_parameters.Length];
        _floor = new NativeBuffer<float>?[_parameters.Length];
        _updates = new int[_parameters.Length];
        for (var i = 0; i < _parameters.Length; i++)
        {
            var p = _parameters[i];
            _first[i] = new NativeBuffer<float>(p.Value.Length);
            _second[i] = new NativeBuffer<float>(p.Value.Length);
            if (p.FloorFraction > 0)
                _floor[i] = FloorOf(p);
        }
    }

    /// <summary>What is trained.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>Steps done.</summary>
    public int Steps { get; private set; }

    /// <summary>Running mean of the gradients of parameter <paramref name="index"/>.</summary>
    public NativeBuffer<float> FirstMoment(int index) => _first[index];

    /// <summary>Running mean of the squared gradients of parameter <paramref name="index"/>.</summary>
    public NativeBuffer<float> SecondMoment(int index) => _second[index];

    /// <summary>Sets all gradients to zero.</summary>
    public void ClearGradients()
    {
        foreach (var p in _parameters)
            Clear(p.Gradient);
    }

    /// <summary>Sets all moments to zero, as they are at the start.</summary>
    public void ClearMoments()
    {
        foreach (var moment in _first.Concat(_second))
            Clear(moment);
    }

    /// <summary>Goes on after so many steps, of which every parameter has had those that were its own.</summary>
    public void GoOnAfter(int steps)
    {
        Steps = steps;
        for (var i = 0; i < _parameters.Length; i++)
        {
            _updates[i] = _trains is null ? steps : 0;
            for (var step = 0; _trains is not null && step < steps; step++)
                _updates[i] += _trains(_parameters[i], step) ? 1 : 0;
        }
    }

    /// <summary>The norm of the gradients of all that this step changes, the same bits for any number of workers.</summary>
    public double GlobalNorm(WorkerPool pool)
    {
        var sum = 0.0;
        foreach (var p in _parameters)
            for (var at = 0L; at < p.Gradient.Length && Trains(p); at += Chunk)
                sum += GradientNorm.SumOfSquares(pool, p.Gradient.Slice(at, Length(p, at)));
        return Math.Sqrt(sum);
    }

    /// <summary>One step.</summary>
    /// <param name="learningRate">Of this step.</param>
    /// <param name="quantizerLearningRate">Of parameters that are quantizer state.</param>
    /// <param name="gradientScale">Multiplies every gradient: the clipping factor.</param>
    public void Step(WorkerPool pool, double learningRate, double quantizerLearningRate, float gradientScale)
    {
        for (var i = 0; i < _parameters.Length; i++)
        {
            var p = _parameters[i];
            if (!Trains(p))
                continue;
            _updates[i]++;
            var rate = p.IsQuantizerState ? quantizerLearningRate : learningRate;
            var decay = p.Decays ? _weightDecay : 0;
            for (var at = 0L; at < p.Value.Length; at += Chunk)
            {
                var length = Length(p, at);
                var value = p.Value.Slice(at, length);
                AdamW.Step(pool, p.Gradient.Slice(at, length), _settings, rate, decay, _updates[i], gradientScale, _first[i].Slice(at, length), _second[i].Slice(at, length), value);
                if (_floor[i] is { } floor)
                    Clamp(value, floor.Slice(at, length));
            }
        }
        Steps++;
    }

    public void Dispose()
    {
        for (var i = 0; i < _parameters.Length; i++)
        {
            _first[i].Dispose();
            _second[i].Dispose();
            _floor[i]?.Dispose();
        }
    }

    private bool Trains(Parameter parameter) => _trains is null || _trains(parameter, Steps);

    /// <summary>A value keeps the sign of its start and at least the fraction of its size.</summary>
    private static void Clamp(Span<float> value, ReadOnlySpan<float> floor)
    {
        for (var j = 0; j < value.Length; j++)
            value[j] = floor[j] >= 0 ? Math.Max(value[j], floor[j]) : Math.Min(value[j], floor[j]);
    }

    private static NativeBuffer<float> FloorOf(Parameter p)
    {
        var floor = new NativeBuffer<float>(p.Value.Length);
        for (var at = 0L; at < p.Value.Length; at += Chunk)
        {
            var start = p.Value.Slice(at, Length(p, at));
            var bound = floor.Slice(at, start.Length);
            for (var j = 0; j < start.Length; j++)
                bound[j] = start[j] * p.FloorFraction;
        }
        return floor;
    }

    private static void Clear(NativeBuffer<float> values)
    {
        for (var at = 0L; at < values.Length; at += Chunk)
            values.Slice(at, (int)Math.Min(Chunk, values.Length - at)).Clear();
    }

    private static int Length(Parameter p, long at) => (int)Math.Min(Chunk, p.Value.Length - at);
}
