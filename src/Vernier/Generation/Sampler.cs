using Vernier.Kernels;

namespace Vernier.Generation;

/// <summary>Turns logits into probabilities and draws from them. In this order, which is that of Hugging Face's generate:
/// repetition penalty, temperature, top-k, top-p, min-p, softmax. Keeps its memory from token to token.</summary>
internal sealed class Sampler
{
    private readonly SamplingOptions _options;
    private readonly HashSet<int> _seen = [];
    private float[] _logits = [];
    private float[] _sorted = [];
    private int[] _order = [];
    private ulong _random;

    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public Sampler(SamplingOptions options)
    {
        OptionRules.Check(options);
        _options = options;
        _random = unchecked((ulong)options.Seed) * 0x9E3779B97F4A7C15;
    }

    /// <summary>Notes ids as having occurred, for the repetition penalty.</summary>
    public void Observe(ReadOnlySpan<int> ids)
    {
        if (_options.RepetitionPenalty == 1)
            return;
        foreach (var id in ids)
            _seen.Add(id);
    }

    /// <summary>Chooses the next id and notes it as having occurred.</summary>
    /// <param name="logits">[vocabulary].</param>
    public int Next(ReadOnlySpan<float> logits)
    {
        var work = Reserve(ref _logits, logits.Length);
        int id;
        if (_options.Temperature == 0)
        {
            logits.CopyTo(work);
            Penalize(work);
            id = Softmax.ArgMax(work);
        }
        else
        {
            Probabilities(logits, work);
            id = Draw(work);
        }
        Observe([id]);
        return id;
    }

    /// <summary>The probabilities that <see cref="Next"/> draws from; 0 for what is removed. At temperature 0 all of it is the arg-max's.</summary>
    /// <param name="logits">[vocabulary].</param>
    /// <param name="probabilities">[vocabulary].</param>
    public void Probabilities(ReadOnlySpan<float> logits, Span<float> probabilities)
    {
        logits.CopyTo(probabilities);
        Penalize(probabilities);
        if (_options.Temperature == 0)
        {
            var best = Softmax.ArgMax(probabilities);
            probabilities.Clear();
            probabilities[best] = 1;
            return;
        }
        foreach (ref var logit in probabilities)
            logit /= _options.Temperature;
        if (_options.TopK > 0 && _options.TopK < logits.Length)
            KeepLargest(probabilities);
        if (_options.TopP < 1)
            KeepNucleus(probabilities);
        Softmax.Row(probabilities, probabilities);
        if (_options.MinP > 0)
            KeepAboveFraction(probabilities);
    }

    private static Span<T> Reserve<T>(ref T[] array, int length)
    {
        if (array.Length < length)
            array = new T[length];
        return array.AsSpan(0, length);
    }

    private void Penalize(Span<float> logits)
    {
        foreach (var id in _seen)
            if (id < logits.Length)
                logits[id] = logits[id] < 0 ? logits[id] * _options.RepetitionPenalty : logits[id] / _options.RepetitionPenalty;
    }

    /// <summary>Logits below the k-th largest become -∞; ties with it all stay.</summary>
    private void KeepLargest(Span<float> logits)
    {
        var sorted = Reserve(ref _sorted, logits.Length);
        logits.CopyTo(sorted);
        sorted.Sort();
        var least = sorted[^_options.TopK];
        foreach (ref var logit in logits)
            if (logit < least)
                logit = float.NegativeInfinity;
    }

    /// <summary>From the smallest up, probabilities are dropped while their running sum is at most 1 - p; the largest always stays.</summary>
    private void KeepNucleus(Span<float> logits)
    {
        var probabilities = Reserve(ref _sorted, logits.Length);
        var order = Reserve(ref _order, logits.Length);
        Softmax.Row(logits, probabilities);
        for (var i = 0; i < order.Length; i++)
            order[i] = i;
        probabilities.Sort(order);
        var sum = 0.0;
        for (var i = 0; i < order.Length - 1; i++)
        {
            sum += probabilities[i];
            if (sum > 1.0 - _options.TopP)
                break;
            logits[order[i]] = float.NegativeInfinity;
        }
    }

    private void KeepAboveFraction(Span<float> probabilities)
    {
        var largest = 0f;
        foreach (var p in probabilities)
            largest = Math.Max(largest, p);
        var (least, sum) = (largest * _options.MinP, 0.0);
        foreach (ref var p in probabilities)
        {
            if (p < least)
                p = 0;
            sum += p;
        }
        foreach (ref var p in probabilities)
            p = (float)(p / sum);
    }

    private int Draw(ReadOnlySpan<float> probabilities)
    {
        var left = NextUniform();
        var last = 0;
        for (var i = 0; i < probabilities.Length; i++)
        {
            if (probabilities[i] == 0)
                continue;
            last = i;
            left -= probabilities[i];
            if (left < 0)
                break;
        }
        return last;
    }

    /// <summary>A number in [0, 1) with 53 random bits (splitmix64), the same on every machine.</summary>
    private double NextUniform()
    {
        _random += 0x9E3779B97F4A7C15;
        var z = _random;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1ul << 53));
    }
}
