namespace Vernier.Kernels;

/// <summary>A row without vectors, unpacked.</summary>
internal readonly unsafe struct Int8GemvRowScalar : IInt8RowDot
{
    public static InstructionTier Tier => InstructionTier.Scalar;

    public static bool Unpacks => true;

    public static float Middle => 0;

    public static float Dot(byte* codes, float* factors, int groups, sbyte* x)
    {
        var sum = 0f;
        for (var g = 0; g < groups; g++, codes += QuantizedActivations.GroupSize, x += QuantizedActivations.GroupSize)
        {
            var dot = 0;
            for (var i = 0; i < QuantizedActivations.GroupSize; i++)
                dot += codes[i] * x[i];
            sum += dot * factors[g];
        }
        return sum;
    }
}
