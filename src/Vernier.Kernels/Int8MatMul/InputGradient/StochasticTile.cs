using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>The output gradients of a few tokens times the scales of one group of columns, as bytes e, rounded up or down at random with the right
/// mean. Σ e q is then Σ e (q - m) for the middle code m and, of what is not rounded, the part Σ dY (m s + o), which is one number a token.</summary>
internal readonly unsafe struct StochasticTile
{
    /// <summary>Floats for each token to sum in.</summary>
    public const int Lanes = 8;

    public readonly int Stride;
    public readonly int Groups;
    public readonly bool IsWide;
    public readonly float Unit;
    public readonly short* Gradient;
    public readonly float* Steps;
    public readonly short* Scale;
    public readonly short* Middle;
    public readonly float* GroupFactors;
    public readonly ushort* Noise;
    public readonly float* Totals;
    public readonly uint* Shifts;
    public readonly float* Sums;
    public readonly byte* Codes;

    /// <param name="memory"><see cref="Floats"/> floats.</param>
    /// <param name="tokens">Of a tile, at most 8.</param>
    /// <param name="bits">Of the weight's codes.</param>
    public StochasticTile(float* memory, GroupScaledGradient gradient, int tokens, int bits)
    {
        (Stride, Groups, IsWide) = (gradient.Stride, gradient.Groups, Int8CodeWidth.IsWide(bits));
        Unit = gradient.MiddleStep / (1 << GroupScaledGradient.FractionBits);
        Gradient = gradient.Gradient;
        Steps = gradient.Steps;
        Scale = gradient.Scale;
        Middle = gradient.Middle;
        GroupFactors = gradient.GroupFactors;
        Noise = gradient.Noise;
        Totals = memory;
        Shifts = (uint*)(memory + Lanes);
        Sums = memory + 2 * Lanes;
        Codes = (byte*)(Sums + tokens * Lanes);
    }

    public static int Floats(int stride, int tokens) => (2 + tokens) * Lanes + tokens * stride * sizeof(short) / sizeof(float);

    /// <summary>What an <see cref="IStochasticRounding"/> has made of the tokens from <paramref name="first"/> on, as operand of a panel whose only scale is the group's factor.</summary>
    public Int8Tokens Operand(int first) => new()
    {
        Codes = Codes,
        Scales = Steps + (long)first * Groups,
        Totals = Totals,
        Stride = (long)Stride * (IsWide ? sizeof(short) : sizeof(sbyte)),
        Groups = Groups,
    };

    /// <summary>Steps of the golden ratio: the noise of neighbouring tokens goes round evenly. Both halves, and both bytes of a half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static uint Shift(int token) => (uint)(byte)(token * 159) * 0x01010101u;
}
