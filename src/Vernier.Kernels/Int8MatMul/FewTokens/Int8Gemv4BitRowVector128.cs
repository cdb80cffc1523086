using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>A row of codes of 4 bits, where they lie.</summary>
internal readonly unsafe struct Int8Gemv4BitRowVector128 : IInt8RowDot
{
    private const int Half = QuantizedActivations.GroupSize / 2;

    public static InstructionTier Tier => InstructionTier.Vector128;

    public static bool Unpacks => false;

    public static float Middle => 0;

    // A chunk of 64 codes in 32 bytes, the first 32 in the lower halves.
    [MethodImpl(Kernel.Body)]
    public static float Dot(byte* codes, float* factors, int groups, sbyte* x)
    {
        var mask = Vector128.Create((byte)15);
        var (first, second) = (Vector128<float>.Zero, Vector128<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 2 * Half, x += 4 * Half)
        {
            var (v0, v1) = (Vector128.Load(codes), Vector128.Load(codes + Half));
            first = Int8DotVector128.Add(first, Int8DotVector128.Dot(v0 & mask, x, Int8DotVector128.Dot(v1 & mask, x + Half, Vector128<int>.Zero)), factors[g]);
            second = Int8DotVector128.Add(second, Int8DotVector128.Dot(v0 >> 4, x + 2 * Half, Int8DotVector128.Dot(v1 >> 4, x + 3 * Half, Vector128<int>.Zero)), factors[g + 1]);
        }
        return Vector128.Sum(first + second);
    }
}
