using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A linear layer Y = X Ŵᵀ + b inside a decoder block. A tuning method is a replaced linear: it holds its own
/// <see cref="Parameter"/>s and accumulates their gradients in <see cref="Backward"/>.</summary>
public abstract class Linear
{
    private static readonly WorkspaceSlot s_negativeBias = new();

    /// <summary>A layer of this size.</summary>
    protected Linear(string name, int inFeatures, int outFeatures, Parameter? bias)
    {
        Name = name;
        InFeatures = inFeatures;
        OutFeatures = outFeatures;
        Bias = bias;
    }

    /// <summary>Hugging Face module path, e.g. <c>model.layers.0.self_attn.q_proj</c>.</summary>
    public string Name { get; }

    /// <summary>Input channels.</summary>
    public int InFeatures { get; }

    /// <summary>Output channels.</summary>
    public int OutFeatures { get; }

    /// <summary>[out], or null. Trained only when it is listed by the method.</summary>
    public Parameter? Bias { get; }

    /// <summary>The effective weight that inference and export see.</summary>
    internal abstract WeightMatrix Weight { get; }

    /// <summary>The quantized matrix whose codes this layer keeps, or null where there is none.</summary>
    internal virtual PackedMatrix? Codes => Weight as PackedMatrix;

    /// <summary>The weight where Forward is y = x Ŵᵀ with it and nothing else, so that inference may multiply in other ways; else null.</summary>
    internal virtual WeightMatrix? PlainWeight => null;

    /// <summary>What training changes.</summary>
    public virtual IReadOnlyList<Parameter> Parameters => [];

    /// <summary>Backward needs Y without bias as computed by Forward (PEQA per channel: ds = Σ dY·Y / s).</summary>
    public virtual bool NeedsOutput => false;

    /// <summary>Backward needs dX even where the layer below has nothing to train (separable factors: dc = Σ dX·X / c).</summary>
    public virtual bool NeedsInputGradient => false;

    /// <summary>y [tokens, out] = x [tokens, in] Ŵᵀ, without the bias (the block adds it).</summary>
    public abstract void Forward(Compute compute, ReadOnlySpan<float> x, int tokens, Span<float> y);

    /// <summary>Accumulates the parameters' gradients and computes dx.</summary>
    /// <param name="x">[tokens, in], the input of Forward.</param>
    /// <param name="y">[tokens, out] without bias; empty unless <see cref="NeedsOutput"/>.</param>
    /// <param name="dy">[tokens, out].</param>
    /// <param name="dx">[tokens, in]; empty when it is not needed.</param>
    /// <param name="accumulate">Add to dx instead of overwriting it (q, k, v share one input).</param>
    public abstract void Backward(Compute compute, ReadOnlySpan<float> x, ReadOnlySpan<float> y, ReadOnlySpan<float> dy, int tokens, Span<float> dx, bool accumulate);

    /// <summary>The bias is trained: the block adds its gradient to <see cref="Parameter.Gradient"/> (full fine-tuning of all parameters).</summary>
    public bool TrainsBias { get; internal set; }

    internal void AddBias(Compute compute, Span<float> y)
    {
        if (Bias is not null)
            Kernels.Bias.Add(compute.Pool, Bias.Value.Span, y.Length / OutFeatures, y);
    }

    /// <summary>Recovers x Ŵᵀ from x Ŵᵀ + b, for a layer that needs its own output.</summary>
    internal void RemoveBias(Compute compute, Span<float> y)
    {
        if (Bias is null)
            return;
        var bias = Bias.Value.Span;
        var negative = compute.Scratch(s_negativeBias, OutFeatures);
        for (var i = 0; i < OutFeatures; i++)
            negative[i] = -bias[i];
        Kernels.Bias.Add(compute.Pool, negative, y.Length / OutFeatures, y);
    }

    internal void AddBiasGradient(Compute compute, ReadOnlySpan<float> dy)
    {
        if (Bias is not null && TrainsBias)
            Kernels.Bias.Gradient(compute.Pool, dy, dy.Length / OutFeatures, Bias.Gradient.Span);
    }

    /// <summary>A change lies beside codes that stay as they are: what the layer computes is not on their grid.</summary>
    internal virtual bool LiesBesideCodes => false;

    /// <summary>After tuning: the plain layer that computes the same, which takes over what this one holds; the layer itself where there is none.</summary>
    internal virtual Linear Merged() => this;

    /// <summary>Brings state that Forward reads up to date after the optimizer changed <see cref="Parameters"/>.</summary>
    public virtual void ParametersChanged()
    {
    }
}
