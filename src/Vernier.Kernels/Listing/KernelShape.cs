namespace Vernier.Kernels;

/// <summary>A shape that the choice of a body was tried with.</summary>
/// <param name="Bits">Of a code.</param>
/// <param name="GroupSize">Columns that share a scale; 0 = the whole row.</param>
/// <param name="Columns">Of the weight.</param>
/// <param name="Tokens">Multiplied at once.</param>
internal sealed record KernelShape(int Bits, int GroupSize, int Columns, int Tokens);
