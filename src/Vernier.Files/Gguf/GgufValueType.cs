namespace Vernier.Files.Gguf;

/// <summary>Types of metadata values, numbered as in the file.</summary>
public enum GgufValueType : uint
{
    /// <summary>8 bits without a sign.</summary>
    UInt8 = 0,
    /// <summary>8 bits with a sign.</summary>
    Int8 = 1,
    /// <summary>16 bits without a sign.</summary>
    UInt16 = 2,
    /// <summary>16 bits with a sign.</summary>
    Int16 = 3,
    /// <summary>32 bits without a sign.</summary>
    UInt32 = 4,
    /// <summary>32 bits with a sign.</summary>
    Int32 = 5,
    /// <summary>IEEE single precision.</summary>
    Float32 = 6,
    /// <summary>One byte, 0 or 1.</summary>
    Bool = 7,
    /// <summary>UTF-8 with its length in front.</summary>
    String = 8,
    /// <summary>Values of one type, with their number in front.</summary>
    Array = 9,
    /// <summary>64 bits without a sign.</summary>
    UInt64 = 10,
    /// <summary>64 bits with a sign.</summary>
    Int64 = 11,
    /// <summary>IEEE double precision.</summary>
    Float64 = 12,
}

internal static class GgufValueTypes
{
    /// <summary>Bytes of one value; 0 for strings and arrays, whose length is in the file.</summary>
    public static int Size(this GgufValueType type) => type switch
    {
        GgufValueType.UInt8 or GgufValueType.Int8 or GgufValueType.Bool => 1,
        GgufValueType.UInt16 or GgufValueType.Int16 => 2,
        GgufValueType.UInt32 or GgufValueType.Int32 or GgufValueType.Float32 => 4,
        GgufValueType.UInt64 or GgufValueType.Int64 or GgufValueType.Float64 => 8,
        _ => 0,
    };
}
