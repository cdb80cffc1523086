using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>One decoder block: attention, feed-forward, and the residual stream around them. Three arrangements:
/// norm before the sublayer (LLaMA), both sublayers behind one norm (GPT-J), norm after the residual sum (OPT-350m).</summary>
internal sealed class DecoderBlock(ModelConfig config, SelfAttention attention, FeedForward feedForward, Norm attentionNorm, Norm? feedForwardNorm)
{
    private static readonly WorkspaceSlot s_normed = new(), s_branch = new(), s_normedGrad = new();

    public SelfAttention Attention => attention;

    public FeedForward FeedForward => feedForward;

    public Norm AttentionNorm => attentionNorm;

    /// <summary>Null in a parallel block.</summary>
    public Norm? FeedForwardNorm => feedForwardNorm;

    public bool HasParameters => attention.HasParameters || feedForward.HasParameters;

    /// <summary>output [tokens, hidden] = block of input. An empty output computes only what the backward pass reads.</summary>
    public void Forward(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> output)
    {
        compute.Workspace.FreeOutgrown();
        if (config.PostNorm)
            ForwardPostNorm(compute, layout, input, kept, output);
        else
            ForwardPreNorm(compute, layout, input, kept, output);
    }

    /// <summary>Replaces gradient [tokens, hidden] with respect to the output by the one with respect to the input.
    /// Without <paramref name="wantsInput"/> only the parameters' gradients are made and gradient is left undefined.</summary>
    public void Backward(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> gradient, bool wantsInput)
    {
        compute.Workspace.FreeOutgrown();
        if (config.PostNorm)
            BackwardPostNorm(compute, layout, input, kept, gradient, wantsInput);
        else if (config.ParallelBlock)
            BackwardParallel(compute, layout, input, kept, gradient, wantsInput);
        else
            BackwardPreNorm(compute, layout, input, kept, gradient, wantsInput);
    }

    private void ForwardPreNorm(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> output)
    {
        var normed = compute.Scratch(s_normed, input.Length);
        var branch = compute.Scratch(s_branch, input.Length);
        var middle = kept.Middle.Of(input.Length);
        attentionNorm.Forward(compute, input, normed);
        attention.Forward(compute, layout, normed, kept, branch);
        Residual.Add(compute.Pool, input, branch, middle);
        if (!config.ParallelBlock)
            feedForwardNorm!.Forward(compute, middle, normed);
        feedForward.Forward(compute, layout, normed, kept, output.IsEmpty && !feedForward.NeedsOutput ? default : branch);
        if (!output.IsEmpty)
            Residual.Add(compute.Pool, middle, branch, output);
    }

    private void BackwardPreNorm(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> gradient, bool wantsInput)
    {
        var normed = compute.Scratch(s_normed, input.Length);
        var dNormed = compute.Scratch(s_normedGrad, input.Length);
        var middle = kept.Middle.Of(input.Length);
        var wantsMiddle = wantsInput || attention.HasParameters;
        feedForwardNorm!.Forward(compute, middle, normed);
        feedForward.Backward(compute, normed, layout.Tokens, kept, gradient, dNormed, wantsMiddle);
        if (!wantsMiddle)
            return;
        feedForwardNorm.BackwardOnto(compute, middle, dNormed, gradient);
        attentionNorm.Forward(compute, input, normed);
        attention.Backward(compute, layout, normed, kept, gradient, dNormed, wantsInput, false);
        if (wantsInput)
            attentionNorm.BackwardOnto(compute, input, dNormed, gradient);
    }

    private void BackwardParallel(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> gradient, bool wantsInput)
    {
        var normed = compute.Scratch(s_normed, input.Length);
        var dNormed = compute.Scratch(s_normedGrad, input.Length);
        attentionNorm.Forward(compute, input, normed);
        feedForward.Backward(compute, normed, layout.Tokens, kept, gradient, dNormed, wantsInput);
        attention.Backward(compute, layout, normed, kept, gradient, dNormed, wantsInput, wantsInput);
        if (wantsInput)
            attentionNorm.BackwardOnto(compute, input, dNormed, gradient);
    }

    private void ForwardPostNorm(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> output)
    {
        var normed = compute.Scratch(s_normed, input.Length);
        var branch = compute.Scratch(s_branch, input.Length);
        var middle = kept.Middle.Of(input.Length);
        var sum = kept.BeforeFinalNorm.Of(input.Length);
        attention.Forward(compute, layout, input, kept, branch);
        Residual.Add(compute.Pool, input, branch, middle);
        attentionNorm.Forward(compute, middle, normed);
        feedForward.Forward(compute, layout, normed, kept, branch);
        Residual.Add(compute.Pool, normed, branch, sum);
        if (!output.IsEmpty)
            feedForwardNorm!.Forward(compute, sum, output);
    }

    private void BackwardPostNorm(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> gradient, bool wantsInput)
    {
        var normed = compute.Scratch(s_normed, input.Length);
        var dBranch = compute.Scratch(s_normedGrad, input.Length);
        var middle = kept.Middle.Of(input.Length);
        var wantsMiddle = wantsInput || attention.HasParameters;
        feedForwardNorm!.BackwardInPlace(compute, kept.BeforeFinalNorm.Of(input.Length), gradient);
        attentionNorm.Forward(compute, middle, normed);
        feedForward.Backward(compute, normed, layout.Tokens, kept, gradient, dBranch, wantsMiddle);
        if (!wantsMiddle)
            return;
        Residual.Add(compute.Pool, gradient, dBranch, gradient);
        attentionNorm.BackwardInPlace(compute, middle, gradient);
        attention.Backward(compute, layout, input, kept, gradient, dBranch, wantsInput, false);
        if (wantsInput)
            Residual.Add(compute.Pool, gradient, dBranch, gradient);
    }
}
