namespace Vernier.Files.Tensors;

/// <summary>Types of tensor elements outside GGUF, named as in safetensors.</summary>
public enum ElementType
{
    /// <summary>One byte, 0 or 1.</summary>
    BOOL,
    /// <summary>8 bits without a sign.</summary>
    U8,
    /// <summary>8 bits with a sign.</summary>
    I8,
    /// <summary>8-bit float, 4 bits of exponent.</summary>
    F8_E4M3,
    /// <summary>8-bit float, 5 bits of exponent.</summary>
    F8_E5M2,
    /// <summary>8-bit power of two.</summary>
    F8_E8M0,
    /// <summary>16 bits without a sign.</summary>
    U16,
    /// <summary>16 bits with a sign.</summary>
    I16,
    /// <summary>IEEE half precision.</summary>
    F16,
    /// <summary>bfloat16: the upper half of a 32-bit float.</summary>
    BF16,
    /// <summary>32 bits without a sign.</summary>
    U32,
    /// <summary>32 bits with a sign.</summary>
    I32,
    /// <summary>IEEE single precision.</summary>
    F32,
    /// <summary>64 bits without a sign.</summary>
    U64,
    /// <summary>64 bits with a sign.</summary>
    I64,
    /// <summary>IEEE double precision.</summary>
    F64,
    /// <summary>Complex: two 32-bit floats.</summary>
    C64,
}
