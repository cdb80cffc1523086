using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>A row of codes of other widths, unpacked.</summary>
internal readonly unsafe struct Int8GemvUnpackedRowVector128 : IInt8RowDot
{
    private const int Half = QuantizedActivations.GroupSize / 2;

    public static InstructionTier Tier => InstructionTier.Vector128;

    public static bool Unpacks => true;

    public static float Middle => 0;

    [MethodImpl(Kernel.Body)]
    public static float Dot<TGroups>(byte* codes, float* factors, int groups, sbyte* x)
        where TGroups : struct, IGroupFactors
    {
        var (first, second) = (Vector128<float>.Zero, Vector128<float>.Zero);
        for (var g = 0; g < groups; g += 2, codes += 4 * Half, x += 4 * Half, factors += 2 * TGroups.Count)
        {
            first = Int8DotVector128.Add<TGroups>(first, Vector128.Load(codes), Vector128.Load(codes + Half), x, factors);
            second = Int8DotVector128.Add<TGroups>(second, Vector128.Load(codes + 2 * Half), Vector128.Load(codes + 3 * Half), x + 2 * Half, factors + TGroups.Count);
        }
        return Vector128.Sum(first + second);
    }
}
