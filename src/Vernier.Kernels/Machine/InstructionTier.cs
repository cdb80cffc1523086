namespace Vernier.Kernels;

/// <summary>How wide the vectors of a kernel's body are. Bodies are chosen once per public call, best first.</summary>
internal enum InstructionTier
{
    /// <summary>No vectors: DOTNET_EnableHWIntrinsic=0, or a processor without any.</summary>
    Scalar,

    /// <summary>Portable 128-bit vectors: SSE, Arm AdvSimd, WebAssembly.</summary>
    Vector128,

    /// <summary>AVX2 with FMA.</summary>
    Vector256,

    /// <summary>AVX-512 F, BW, DQ and VL.</summary>
    Vector512,
}
