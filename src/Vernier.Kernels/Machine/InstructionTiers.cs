using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>The instruction tiers of this processor and runtime.</summary>
internal static class InstructionTiers
{
    /// <summary>The widest tier that can run here.</summary>
    public static InstructionTier Best =>
        IsSupported(InstructionTier.Vector512) ? InstructionTier.Vector512
        : IsSupported(InstructionTier.Vector256) ? InstructionTier.Vector256
        : IsSupported(InstructionTier.Vector128) ? InstructionTier.Vector128
        : InstructionTier.Scalar;

    /// <summary>Whether bodies of a tier run here without emulation.</summary>
    public static bool IsSupported(InstructionTier tier) => tier switch
    {
        InstructionTier.Vector512 => Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported,
        InstructionTier.Vector256 => Avx2.IsSupported && Fma.IsSupported,
        InstructionTier.Vector128 => Vector128.IsHardwareAccelerated,
        _ => true,
    };
}
