namespace Vernier.Files.Tensors;

/// <summary>Types of tensor elements outside GGUF, named as in safetensors.</summary>
public enum ElementType
{
    BOOL,
    U8,
    I8,
    F8_E4M3,
    F8_E5M2,
    F8_E8M0,
    U16,
    I16,
    F16,
    BF16,
    U32,
    I32,
    F32,
    U64,
    I64,
    F64,
    C64,
}
