using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>RMSNorm or LayerNorm with its weights: over the hidden state, or over every head (q and k norms).</summary>
/// <param name="offset">Added to the stored weights (Gemma: 1).</param>
internal sealed class Norm(NormKind kind, float epsilon, Parameter weight, Parameter? bias, float offset = 0)
{
    private static readonly WorkspaceSlot s_outputGrad = new();

    // read once a token from memory that other weights have pushed out of the caches: the shorter the way, the better
    private readonly NativeBuffer<float> _weight = weight.Value;
    private readonly int _width = weight.Shape[0];
    private readonly float[]? _gain = offset == 0 ? null : new float[weight.Shape[0]];

    public Parameter Weight => weight;

    public Parameter? Bias => bias;

    /// <summary>The weights' gradients are wanted.</summary>
    public bool Train { get; set; }

    /// <summary>What the norm multiplies by. Training may have changed the weights: their sum with the offset costs less than to be told of it.</summary>
    private ReadOnlySpan<float> Gain
    {
        get
        {
            if (_gain is null)
                return _weight.Span;
            var stored = _weight.Span;
            for (var i = 0; i < _gain.Length; i++)
                _gain[i] = stored[i] + offset;
            return _gain;
        }
    }

    /// <summary>y [rows, width] = norm of each row of x. May run in place.</summary>
    public void Forward(Compute compute, ReadOnlySpan<float> x, Span<float> y)
    {
        if (kind == NormKind.RmsNorm)
            RmsNorm.Forward(compute.Pool, x, Gain, x.Length / _width, epsilon, y);
        else
            LayerNorm.Forward(compute.Pool, x, Gain, bias!.Value.Span, x.Length / _width, epsilon, y);
    }

    /// <summary>dx += gradient through the norm; adds the weights' gradients when they are wanted.</summary>
    public void BackwardOnto(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx) =>
        Backward(compute, x, dy, dx, true);

    /// <summary>Replaces the gradient with respect to y by the one with respect to x; adds the weights' gradients when they are wanted.</summary>
    public void BackwardInPlace(Compute compute, ReadOnlySpan<float> x, Span<float> gradient)
    {
        var dy = gradient;
        if (Train)
        {
            // The weights' gradients read dy after dx is written.
            dy = compute.Scratch(s_outputGrad, gradient.Length);
            gradient.CopyTo(dy);
        }
        Backward(compute, x, dy, gradient, false);
    }

    private void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> dy, Span<float> dx, bool accumulate)
    {
        var weightGrad = Train ? weight.Gradient.Span : default;
        if (kind == NormKind.RmsNorm)
            RmsNorm.Backward(compute.Pool, x, Gain, dy, x.Length / _width, epsilon, dx, weightGrad, accumulate);
        else
            LayerNorm.Backward(compute.Pool, x, Gain, dy, x.Length / _width, epsilon, dx, weightGrad, Train ? bias!.Gradient.Span : default, accumulate);
    }
}
