using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>One decoder block: attention, feed-forward, and the residual stream around them. Three arrangements:
/// norm before the sublayer (LLaMA), both sublayers behind one norm (GPT-J), norm after the residual sum (OPT-350m).
/// In the first, a norm may stand behind the sublayer, before the residual sum, too (Gemma) or instead (OLMo 2).</summary>
internal sealed class DecoderBlock(
    ModelConfig config, SelfAttention attention, FeedForward feedForward, Norm? attentionNorm, Norm? feedForwardNorm, Norm? attentionOutputNorm, Norm? feedForwardOutputNorm)
{
    private static readonly WorkspaceSlot s_normed = new(), s_branch = new(), s_normedGrad = new(), s_outputGrad = new();

    public SelfAttention Attention => attention;

    public FeedForward FeedForward => feedForward;

    /// <summary>Those that there are.</summary>
    public IEnumerable<Norm> Norms => new[] { attentionNorm, feedForwardNorm, attentionOutputNorm, feedForwardOutputNorm, attention.QueryNorm, attention.KeyNorm }.OfType<Norm>();

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
        var branch = compute.Scratch(s_branch, input.Length);
        var middle = kept.Middle.Of(input.Length);
        var normed = Normed(compute, attentionNorm, input);
        attention.Forward(compute, layout, normed, kept, branch);
        Leave(compute, attentionOutputNorm, kept.AttentionBranch, branch);
        Residual.Add(compute.Pool, input, branch, middle);
        if (!config.ParallelBlock)
            normed = Normed(compute, feedForwardNorm, middle);
        else if (feedForwardNorm is not null)
            normed = Normed(compute, feedForwardNorm, input);
        feedForward.Forward(compute, layout, normed, kept, output.IsEmpty && !feedForward.NeedsOutput && feedForwardOutputNorm is null ? default : branch);
        if (!output.IsEmpty || feedForwardOutputNorm is not null)
            Leave(compute, feedForwardOutputNorm, kept.FeedForwardBranch, branch);
        if (!output.IsEmpty)
            Residual.Add(compute.Pool, middle, branch, output);
    }

    /// <summary>What a sublayer reads.</summary>
    private static ReadOnlySpan<float> Normed(Compute compute, Norm? norm, ReadOnlySpan<float> x)
    {
        if (norm is null)
            return x;
        var normed = compute.Scratch(s_normed, x.Length);
        norm.Forward(compute, x, normed);
        return normed;
    }

    /// <summary>What a sublayer gives becomes what is added to the residual stream.</summary>
    private void Leave(Compute compute, Norm? norm, GrowingBuffer beforeNorm, Span<float> branch)
    {
        if (norm is not null)
        {
            var raw = beforeNorm.Of(branch.Length);
            branch.CopyTo(raw);
            norm.Forward(compute, raw, branch);
        }
        if (config.ResidualScale != 1)
            Scaling.Apply(compute.Pool, branch, config.ResidualScale, branch);
    }

    /// <summary>The gradient of what a sublayer gives, from that of the residual stream, which stays.</summary>
    private ReadOnlySpan<float> BranchGradient(Compute compute, Norm? norm, GrowingBuffer beforeNorm, ReadOnlySpan<float> gradient)
    {
        if (norm is null && config.ResidualScale == 1)
            return gradient;
        var branch = compute.Scratch(s_branch, gradient.Length);
        Scaling.Apply(compute.Pool, gradient, config.ResidualScale, branch);
        norm?.BackwardInPlace(compute, beforeNorm.Of(branch.Length), branch);
        return branch;
    }

    /// <summary>Adds the gradient of what a sublayer read to that of the residual stream.</summary>
    private static void Onto(Compute compute, Norm? norm, ReadOnlySpan<float> x, ReadOnlySpan<float> dNormed, Span<float> gradient)
    {
        if (norm is null)
            Residual.Add(compute.Pool, dNormed, gradient);
        else
            norm.BackwardOnto(compute, x, dNormed, gradient);
    }

    private void BackwardPreNorm(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> gradient, bool wantsInput)
    {
        var dNormed = compute.Scratch(s_normedGrad, input.Length);
        var middle = kept.Middle.Of(input.Length);
        var wantsMiddle = wantsInput || attention.HasParameters;
        var normed = Normed(compute, feedForwardNorm, middle);
        feedForward.Backward(compute, normed, layout.Tokens, kept, BranchGradient(compute, feedForwardOutputNorm, kept.FeedForwardBranch, gradient), dNormed, wantsMiddle);
        if (!wantsMiddle)
            return;
        Onto(compute, feedForwardNorm, middle, dNormed, gradient);
        normed = Normed(compute, attentionNorm, input);
        attention.Backward(compute, layout, normed, kept, BranchGradient(compute, attentionOutputNorm, kept.AttentionBranch, gradient), dNormed, wantsInput, false);
        if (wantsInput)
            Onto(compute, attentionNorm, input, dNormed, gradient);
    }

    private void BackwardParallel(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> gradient, bool wantsInput)
    {
        var normed = compute.Scratch(s_normed, input.Length);
        var dNormed = compute.Scratch(s_normedGrad, input.Length);
        ReadOnlySpan<float> dOutput = gradient;
        (feedForwardNorm ?? attentionNorm!).Forward(compute, input, normed);
        feedForward.Backward(compute, normed, layout.Tokens, kept, gradient, dNormed, wantsInput);
        if (feedForwardNorm is not null)
        {
            if (wantsInput)
            {
                // what comes through this norm joins the gradient, which attention still is to read as it was
                var before = compute.Scratch(s_outputGrad, gradient.Length);
                gradient.CopyTo(before);
                dOutput = before;
                feedForwardNorm.BackwardOnto(compute, input, dNormed, gradient);
            }
            attentionNorm!.Forward(compute, input, normed);
        }
        attention.Backward(compute, layout, normed, kept, dOutput, dNormed, wantsInput, wantsInput && feedForwardNorm is null);
        if (wantsInput)
            attentionNorm!.BackwardOnto(compute, input, dNormed, gradient);
    }

    private void ForwardPostNorm(Compute compute, TokenLayout layout, ReadOnlySpan<float> input, BlockActivations kept, Span<float> output)
    {
        var normed = compute.Scratch(s_normed, input.Length);
        var branch = compute.Scratch(s_branch, input.Length);
        var middle = kept.Middle.Of(input.Length);
        var sum = kept.BeforeFinalNorm.Of(input.Length);
        attention.Forward(compute, layout, input, kept, branch);
        Residual.Add(compute.Pool, input, branch, middle);
        attentionNorm!.Forward(compute, middle, normed);
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
        attentionNorm!.Forward(compute, middle, normed);
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
