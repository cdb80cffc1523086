namespace Vernier.Models;

/// <summary>RMSNorm or LayerNorm with its weights: over the hidden state, or over every head (q and k norms).</summary>
internal sealed class Norm(NormKind kind, float epsilon, Parameter weight, Parameter? bias)
{
    public Parameter Weight => weight;

    public Parameter? Bias => bias;

    /// <summary>The weights' gradients are wanted.</summary>
    public bool Train { get; set; }

    private int Width => checked((int)weight.Value.Length);

    /// <summary>y [rows, width] = norm of each row of x. May run in place.</summary>
    public void Forward(Compute compute, ReadOnlySpan<float> x, Span<float> y)
    {
        if (kind == NormKind.RmsNorm)
            StandIns.RmsNorm(compute.Pool, x, weight.Value.Span, epsilon, y);
        else
            StandIns.LayerNorm(compute.Pool, x, weight.Value.Span, bias is null ? default : bias.Value.Span, epsilon, y);
    }

    /// <summary>dx += gradient through the norm (or dx = with <paramref name="accumulate"/> off); adds the weights' gradients when they are wanted.</summary>
    public void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx, bool accumulate)
    {
        var weightGrad = Train ? weight.Gradient.Span : default;
        if (kind == NormKind.RmsNorm)
            StandIns.RmsNormBackward(compute.Pool, x, weight.Value.Span, epsilon, dy, dx, accumulate, weightGrad);
        else
            StandIns.LayerNormBackward(compute.Pool, x, weight.Value.Span, epsilon, dy, dx, accumulate, weightGrad, Train && bias is not null ? bias.Gradient.Span : default);
    }
}
