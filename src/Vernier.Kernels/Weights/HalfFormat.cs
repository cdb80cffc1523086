namespace Vernier.Kernels;

/// <summary>The two 16-bit float formats of model files.</summary>
internal enum HalfFormat
{
    /// <summary>IEEE 754 binary16: 5 bits of exponent, 10 of fraction.</summary>
    Fp16,

    /// <summary>The upper half of an fp32: 8 bits of exponent, 7 of fraction.</summary>
    Bf16,
}
