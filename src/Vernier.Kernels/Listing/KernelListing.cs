namespace Vernier.Kernels;

/// <summary>A body of a matrix product, and what it is for on this machine.</summary>
/// <param name="Product">fp32 forward, fp32 gradients, int8 forward or int8 input gradient.</param>
/// <param name="Body">Its name: shape and width.</param>
/// <param name="Tier">The vectors that it needs.</param>
/// <param name="Serves">The shapes that it can multiply, in words.</param>
/// <param name="RunsHere">Whether this machine has what it needs.</param>
/// <param name="ChosenFor">Of the shapes that were tried, those for which it is the first that serves.</param>
internal sealed record KernelListing(string Product, string Body, InstructionTier Tier, string Serves, bool RunsHere, IReadOnlyList<KernelShape> ChosenFor);
