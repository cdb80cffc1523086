using System.Runtime.Intrinsics;

namespace Vernier.Quantization.Blocks;

/// <summary>All integers from one to another.</summary>
internal readonly struct UniformLevels(int lowest, int highest) : ILevels
{
    public float Lowest => lowest;

    public float Highest => highest;

    public Vector256<float> Nearest(Vector256<float> values) =>
        Vector256.Min(Vector256.Max(Vector256.Round(values), Vector256.Create((float)lowest)), Vector256.Create((float)highest));

    public byte Code(float value) => (byte)(Math.Clamp(MathF.Round(value), lowest, highest) - lowest);
}
