namespace Vernier.Kernels;

/// <summary>The width a kernel body runs at.</summary>
internal enum SimdTier { Scalar, Vector128, Vector256, Vector512 }
