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
    public static float Dot<TGroups>(byte* codes, float* factors, int groups, sbyte* x)
        where TGroups : struct, IGroupFactors
    {
        var mask = Vector128.Create((byte)15);
        var (first, second) = (Vector128<float>.Zero, Vector128<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 2 * Half, x += 4 * Half, factors += 2 * TGroups.Count)
        {
            var (v0, v1) = (Vector128.Load(codes), Vector128.Load(codes + Half));
            first = Int8DotVector128.Add<TGroups>(first, v0 & mask, v1 & mask, x, factors);
            second = Int8DotVector128.Add<TGroups>(second, v0 >> 4, v1 >> 4, x + 2 * Half, factors + TGroups.Count);
        }
        return Vector128.Sum(first + second);
    }
}
