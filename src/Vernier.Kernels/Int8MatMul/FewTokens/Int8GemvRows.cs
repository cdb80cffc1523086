using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>A run of rows of a weight, a multiple of what the body takes together, and the tokens that are multiplied by them.</summary>
internal unsafe struct Int8GemvRows
{
    public byte* Codes;
    public long RowBytes;

    /// <summary>Of a code.</summary>
    public int Bits;

    /// <summary>What codes stand for; null = themselves.</summary>
    public IntegerCodebook? Codebook;

    /// <summary>For bodies that stream them: scales and offsets [Rows, Groups]; for groups of 32 whole vectors may be read behind the last.
    /// Offsets that are the scales themselves need not be read.</summary>
    public void* Scale, Offset;

    /// <summary>How these lie.</summary>
    public ScaleForm Form;

    /// <summary>For the other bodies: the weight's scales, and the first of these rows in them.</summary>
    public ScaleView Scales;

    public int FirstRow;

    /// <summary>[Rows]: what the products are multiplied by; null = ones.</summary>
    public float* RowFactors;

    /// <summary>Added to the offsets, times the scales.</summary>
    public float Middle;

    public int Groups, Rows;

    /// <summary>Groups of activations in a group of the weight.</summary>
    public int Ratio;

    /// <summary>Whether groups of the weight are halves of those of the activations: scales and sums of these are then of halves.</summary>
    public bool HasHalfGroups;

    /// <summary>Rows from one that is multiplied to the one whose scales are prefetched.</summary>
    public int Ahead;

    /// <summary>[Tokens, XStride], in the body's layout.</summary>
    public sbyte* X;

    public long XStride;

    /// <summary>Scales and sums of the activations [Tokens, Padded], zeros behind the groups.</summary>
    public float* XScales, XSums;

    /// <summary>Groups rounded up to whole vectors.</summary>
    public int Padded;

    /// <summary>Groups of activations that have codes.</summary>
    public int XGroups;

    /// <summary>The same, or their halves where the weight's groups are such.</summary>
    public readonly int Units => HasHalfGroups ? 2 * XGroups : XGroups;

    public int Tokens;

    /// <summary>Scratch [4, Padded].</summary>
    public float* Factors;

    /// <summary>Scratch [2, Padded]: scales and offsets of a row.</summary>
    public float* RowScales;

    /// <summary>Scratch for the codes of a row, one a byte.</summary>
    public byte* Unpacked;

    /// <summary>[Tokens, YStride].</summary>
    public float* Y;

    public long YStride;
    public bool Accumulate;

    /// <summary>Stores a token's products with four rows.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Store(int row, int token, Vector128<float> dots)
    {
        if (RowFactors != null)
            dots *= Vector128.Load(RowFactors + row);
        var y = Y + token * YStride + row;
        (Accumulate ? dots + Vector128.Load(y) : dots).Store(y);
    }

    /// <summary>Stores a token's product with one row, which has no factor.</summary>
    public readonly void Store(int row, int token, float dot)
    {
        ref var y = ref Y[token * YStride + row];
        y = Accumulate ? y + dot : dot;
    }

    /// <summary>A row's codes, one a byte, or what a codebook has for them; those of 8 bits lie so already.</summary>
    public readonly byte* Unpack(int row)
    {
        var packed = Codes + row * RowBytes;
        if (Bits == 8)
            return packed;
        var count = XGroups * QuantizedActivations.GroupSize;
        CodePlanes.Unpack(packed, count / CodePlanes.Chunk, Bits, Unpacked);
        Codebook?.Replace(Unpacked, count);
        return Unpacked;
    }
}
