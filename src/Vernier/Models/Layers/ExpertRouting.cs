namespace Vernier.Models;

/// <summary>Which experts compute which tokens. A place is one token at one of its experts; places lie expert by expert, so that an expert's tokens are rows side by side.</summary>
internal sealed class ExpertRouting(ExpertsConfig config)
{
    private readonly int[] _starts = new int[config.Count + 1];
    private readonly int[] _next = new int[config.Count];
    private readonly float[] _gradients = new float[config.PerToken];
    private int[] _tokens = [];
    private int[] _experts = [];
    private int[] _places = [];
    private float[] _weights = [];
    private int _count;

    /// <summary>[experts + 1], the first place of every expert.</summary>
    public ReadOnlySpan<int> Starts => _starts;

    /// <summary>[places], the token of each.</summary>
    public ReadOnlySpan<int> Tokens => _tokens.AsSpan(0, _count);

    /// <summary>[tokens, experts of a token], the places of each token in the order of the experts.</summary>
    public ReadOnlySpan<int> Places => _places.AsSpan(0, _count);

    /// <summary>[places], what an expert's result is multiplied by.</summary>
    public ReadOnlySpan<float> Weights => _weights.AsSpan(0, _count);

    /// <summary>Chooses the experts with the largest logits, of equal ones the first.</summary>
    /// <param name="probabilities">[tokens, experts]: the router's logits, which become the softmax over all experts.</param>
    public void Choose(Span<float> probabilities)
    {
        var tokens = probabilities.Length / config.Count;
        Reserve(tokens * config.PerToken);
        Array.Clear(_starts);
        for (var token = 0; token < tokens; token++)
        {
            var own = probabilities.Slice(token * config.Count, config.Count);
            Softmax(own);
            var chosen = _experts.AsSpan(token * config.PerToken, config.PerToken);
            ChooseLargest(own, chosen);
            foreach (var expert in chosen)
                _starts[expert + 1]++;
        }
        for (var expert = 0; expert < config.Count; expert++)
            _starts[expert + 1] += _next[expert] = _starts[expert];
        for (var token = 0; token < tokens; token++)
            Place(token, probabilities.Slice(token * config.Count, config.Count));
    }

    /// <summary>Takes the gradient with respect to the places' weights back to the router's logits.</summary>
    /// <param name="weightGradients">[places].</param>
    /// <param name="probabilities">[tokens, experts], as <see cref="Choose"/> left them; becomes the gradient.</param>
    public void Backward(ReadOnlySpan<float> weightGradients, Span<float> probabilities)
    {
        for (var token = 0; token < probabilities.Length / config.Count; token++)
        {
            var own = probabilities.Slice(token * config.Count, config.Count);
            var places = _places.AsSpan(token * config.PerToken, config.PerToken);
            var (sum, mean) = (0f, 0f); // of the chosen probabilities; of the gradient, by the weights
            foreach (var place in places)
                mean += _weights[place] * weightGradients[place];
            foreach (var expert in _experts.AsSpan(token * config.PerToken, config.PerToken))
                sum += own[expert];
            // normalized: w = p / Σp of the chosen, so dp = (dw - Σ w dw) / Σp, and Σ p dp = 0; else w = p.
            var (divisor, shift) = config.NormalizesWeights ? (sum, mean) : (1f, 0f);
            var rest = config.NormalizesWeights ? 0f : mean;
            for (var i = 0; i < places.Length; i++)
                _gradients[i] = own[ExpertAt(token, i)] * ((weightGradients[places[i]] - shift) / divisor - rest);
            foreach (ref var p in own)
                p *= -rest;
            for (var i = 0; i < places.Length; i++)
                own[ExpertAt(token, i)] = _gradients[i];
        }
    }

    private int ExpertAt(int token, int i) => _experts[token * config.PerToken + i];

    // Experts ascend, so that a token's places are in the experts' order.
    private void Place(int token, ReadOnlySpan<float> probabilities)
    {
        var sum = 0f;
        var chosen = _experts.AsSpan(token * config.PerToken, config.PerToken);
        foreach (var expert in chosen)
            sum += probabilities[expert];
        for (var i = 0; i < chosen.Length; i++)
        {
            var place = _next[chosen[i]]++;
            (_tokens[place], _places[token * config.PerToken + i]) = (token, place);
            _weights[place] = config.NormalizesWeights ? probabilities[chosen[i]] / sum : probabilities[chosen[i]];
        }
    }

    private static void Softmax(Span<float> logits)
    {
        var largest = logits[0];
        foreach (var logit in logits)
            largest = MathF.Max(largest, logit);
        var sum = 0f;
        foreach (ref var logit in logits)
            sum += logit = MathF.Exp(logit - largest);
        foreach (ref var logit in logits)
            logit /= sum;
    }

    // Insertion into a short list, then by number.
    private static void ChooseLargest(ReadOnlySpan<float> values, Span<int> chosen)
    {
        var count = 0;
        for (var i = 0; i < values.Length; i++)
        {
            var at = count;
            while (at > 0 && values[i] > values[chosen[at - 1]])
                at--;
            if (at == chosen.Length)
                continue;
            for (var j = Math.Min(count, chosen.Length - 1); j > at; j--)
                chosen[j] = chosen[j - 1];
            chosen[at] = i;
            count = Math.Min(count + 1, chosen.Length);
        }
        chosen.Sort();
    }

    private void Reserve(int places)
    {
        _count = places;
        if (_tokens.Length >= places)
            return;
        (_tokens, _experts, _places, _weights) = (new int[places], new int[places], new int[places], new float[places]);
    }
}
