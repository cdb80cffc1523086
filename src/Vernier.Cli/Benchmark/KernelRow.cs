namespace Vernier.Cli.Benchmark;

/// <summary>One body of a matrix product.</summary>
/// <param name="Product">fp32 forward, fp32 gradients, int8 forward or int8 input gradient.</param>
/// <param name="Body">Its name: shape and width.</param>
/// <param name="Tier">The vectors that it needs: AVX-512, AVX2, 128 bits or scalar.</param>
/// <param name="Serves">The shapes that it can multiply.</param>
/// <param name="RunsHere">Whether this machine has what it needs.</param>
/// <param name="ChosenFor">Of the shapes that were tried, those for which it is the first that serves.</param>
internal sealed record KernelRow(string Product, string Body, string Tier, string Serves, bool RunsHere, IReadOnlyList<KernelUse> ChosenFor);
