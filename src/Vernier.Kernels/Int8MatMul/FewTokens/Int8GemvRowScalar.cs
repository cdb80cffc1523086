namespace Vernier.Kernels;

/// <summary>A row without vectors, unpacked.</summary>
internal readonly unsafe struct Int8GemvRowScalar : IInt8RowDot
{
    public static InstructionTier Tier => InstructionTier.Scalar;

    public static bool Unpacks => true;

    public static float Middle => 0;

    public static float Dot<TGroups>(byte* codes, float* factors, int groups, sbyte* x)
        where TGroups : struct, IGroupFactors
    {
        var (sum, columns) = (0f, QuantizedActivations.GroupSize / TGroups.Count);
        for (var g = 0; g < groups * TGroups.Count; g++, codes += columns, x += columns)
        {
            var dot = 0;
            for (var i = 0; i < columns; i++)
                dot += codes[i] * x[i];
            sum += dot * factors[g];
        }
        return sum;
    }
}
