namespace Vernier.Cli.Benchmark;

/// <summary>A shape that a body is chosen for.</summary>
/// <param name="Bits">Of a code of the weight.</param>
/// <param name="Group">Columns that share a scale; 0 = the whole row.</param>
/// <param name="Columns">Of the weight.</param>
/// <param name="Tokens">Multiplied at once.</param>
internal sealed record KernelUse(int Bits, int Group, int Columns, int Tokens);
