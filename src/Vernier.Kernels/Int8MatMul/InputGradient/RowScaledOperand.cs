namespace Vernier.Kernels;

/// <summary>A gradient that has one scale a row of the weight in it already, see <see cref="RowScaledGradient"/>: the same codes for all columns.</summary>
/// <param name="gradient">[tokens, rows of the weight].</param>
/// <param name="bits">Of the weight's codes.</param>
internal readonly unsafe struct RowScaledOperand(QuantizedActivations gradient, int bits) : IInt8GradientOperand
{
    public int Stride => gradient.Stride;

    public long Floats(int tokens, int columns) => 0;

    public void Begin(float* memory, int tokens, int columns)
    {
    }

    public Int8Tokens At(int token, int tokens, int column, out float* factors)
    {
        factors = null;
        return gradient.From(token, bits);
    }
}
