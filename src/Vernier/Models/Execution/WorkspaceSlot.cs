namespace Vernier.Models;

/// <summary>A place for scratch memory, declared once, as a static field of the one class that uses it: two pieces of work whose numbers are needed at the
/// same time have two slots. See <see cref="Compute.Scratch"/>.</summary>
internal sealed class WorkspaceSlot
{
    /// <summary>For the widest steps of a pass, which take it in turn, none of which lasts while another runs: the activations of a feed-forward part, the
    /// gradients inside attention, the logits of the head.</summary>
    internal static readonly WorkspaceSlot Widest = new() { IsTakenInTurn = true };

    /// <summary>Who takes it is done with what was taken before: an outgrown buffer need not outlive its growth.</summary>
    public bool IsTakenInTurn { get; private init; }
}
