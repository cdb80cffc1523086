namespace Vernier.Kernels;

/// <summary>The bodies of <see cref="Int8Gemm"/>, best first.</summary>
internal static class Int8Bodies
{
    // More tokens pay for unpacking the codes into panels.
    private const int FewTokens = 4;

    // Of Int8Gemv4Bit32TokensAvx512, where activations of rows stay in the first-level cache and where not.
    private const int MostTokens = 16;
    private const int MostTokensOfLongRows = 8;

    // Shorter rows lose more by what is left over, and by vectors that lie across two lines, than they gain.
    private const int LeastForSixteens = 32;

    /// <summary>Products of activations: bodies are an <see cref="IInt8GemvBody"/> or an <see cref="IInt8GemmBody"/>.</summary>
    public static MatMulTable<IMatMulBody> Forward { get; } = new(
        new(new Int8Gemv4Bit32RunAvx512(), "1 token; 4 bits in groups of 32, an even number from 16 on that is no multiple of 16",
            s => s.Tokens == 1 && Is4Bit32(s) && s.Groups >= 16 && s.Groups % 2 == 0 && s.Groups % 16 != 0),
        new(new Int8Gemv4Bit32Avx512(), "1 token; 4 bits in groups of 32, 31 or more", s => s.Tokens == 1 && Is4Bit32(s) && s.Groups + s.Groups % 2 >= LeastForSixteens),
        new(new Int8Gemv4Bit32TokensAvx512(), "2 to 16 tokens, to 8 where four tokens' rows leave the first-level cache; 4 bits in groups of 32, an even number from 16 on; rows in eights",
            s => s.Tokens > 1 && Is4Bit32(s) && s.Groups >= 16 && s.Groups % 2 == 0 && s.Rows % 8 == 0
                && s.Tokens <= (Int8Gemv4Bit32TokensAvx512.StayNear(s.Groups) ? MostTokens : MostTokensOfLongRows)),
        new(new Int8GemvPlanesAvx512(), "to 4 tokens; 2, 3, 5 and 6 bits in groups of 16, or of 32 that share factors, and codebooks of 4 bits; multiples of 256 columns; 4 rows or more",
            IsOfPlanes),
        new(new Int8GemmPanels<Int8Gemm32x6Avx512>(), "5 tokens or more", s => s.Tokens > FewTokens),
        new(new Int8GemmPanels<Int8Gemm16x3Avx2>(), "5 tokens or more", s => s.Tokens > FewTokens),
        new(new Int8Gemv4Bit32Avx2(), "1 token; 4 bits in groups of 32; 4 rows or more", s => s.Tokens == 1 && Is4Bit32(s)),
        new(new Int8GemvRowAvx2(), "1 token; codes, or codebooks of 4 bits; 4 rows or more", s => s.Tokens == 1 && s.Rows >= 4),
        new(new Int8Gemv4Bit32Rows4Avx2(), "4 bits in groups of 32; 4 rows or more", s => Is4Bit32(s)),
        new(new Int8Gemv8Bit32Rows4Avx2(), "8 bits in groups of 32; 4 rows or more", s => Is8Bit(s) && s.HasBlockGroups && s.Rows >= 4),
        new(new Int8GemvFourRows<Int8Gemv4BitRows4Avx2>(), "4 bits in wider groups; 4 rows or more", s => s.Bits == 4 && !s.HasCodebook && HasWideGroups(s) && s.Rows >= 4),
        new(new Int8GemvFourRows<Int8Gemv8BitRows4Avx2>(), "8 bits in wider groups; 4 rows or more", s => Is8Bit(s) && HasWideGroups(s) && s.Rows >= 4),
        new(new Int8GemvRow<Int8Gemv8BitRowAvx2>(), "8 bits; rows that four at a time leave over", Is8Bit),
        new(new Int8GemvRow<Int8GemvCodebookRowAvx2>(), "codebooks of 8 bits", s => s.Bits == 8),
        new(new Int8GemvRow<Int8GemvUnpackedRowAvx2>(), "other than 8 bits; rows that four at a time leave over", s => s.Bits != 8),
        new(new Int8GemvRow<Int8Gemv4BitRowVector128>(), "4 bits", s => s.Bits == 4 && !s.HasCodebook),
        new(new Int8GemvRow<Int8Gemv8BitRowVector128>(), "8 bits", Is8Bit),
        new(new Int8GemvRow<Int8GemvCodebookRowVector128>(), "codebooks of 8 bits", s => s.Bits == 8),
        new(new Int8GemvRow<Int8GemvUnpackedRowVector128>(), "other than 4 and 8 bits", s => s.Bits != 8 && (s.Bits != 4 || s.HasCodebook)),
        new(new Int8GemvRow<Int8GemvRowScalar>(), "to 4 tokens", s => s.Tokens <= FewTokens),
        new(new Int8GemmWithoutVectors(), "5 tokens or more", s => s.Tokens > FewTokens));

    /// <summary>Input gradients.</summary>
    public static MatMulTable<IInt8InputGradientBody> InputGradient { get; } = new(
        new(new Int8RowScaledGradient<Int8Gemm32x6Avx512>(), "a scale a row", HasRowScales),
        new(new Int8GroupScaledGradient<Int8Gemm32x6Avx512, StochasticRounding6Avx512>(), "scales of groups; to 6 bits; AVX-512 VBMI",
            s => HasGroups(s) && !Int8CodeWidth.IsWide(s.Bits) && StochasticRounding6Avx512.IsSupported),
        new(new Int8GroupScaledGradient<Int8Gemm32x6Avx512, StochasticRoundingAvx2>(), "scales of groups", HasGroups),
        new(new Int8RowScaledGradient<Int8Gemm16x3Avx2>(), "a scale a row", HasRowScales),
        new(new Int8GroupScaledGradient<Int8Gemm16x3Avx2, StochasticRoundingAvx2>(), "scales of groups", HasGroups));

    /// <summary>What a body for few tokens needs beside itself: another one for rows that do not fill its <see cref="IInt8GemvBody.RowsAtOnce"/>.</summary>
    public static Int8GemvPlan Plan(IInt8GemvBody body, MatMulShape shape) =>
        new(body, shape.Rows % body.RowsAtOnce == 0 ? body : (IInt8GemvBody)Forward.Choose(body.Tier, shape with { Rows = 1, Tokens = Math.Min(shape.Tokens, FewTokens) }));

    private static bool IsOfPlanes(MatMulShape shape) =>
        shape.Tokens <= Int8GemvPlanesAvx512.MostTokens && (shape.HasCodebook ? !HasWideGroups(shape) : shape.Bits is 2 or 3 or 5 or 6 && (shape.HasHalfGroups || shape.HasSuperBlocks))
        && shape.Columns % Int8GemvPlanesAvx512.Columns == 0 && shape.Rows >= 4;

    private static bool HasWideGroups(MatMulShape shape) => !shape.HasBlockGroups && !shape.HasHalfGroups;

    private static bool HasGroups(MatMulShape shape) => shape.Groups > 1 && !shape.HasHalfGroups && !shape.HasCodebook;

    private static bool HasRowScales(MatMulShape shape) => shape.Groups == 1 && !shape.HasCodebook;

    private static bool Is8Bit(MatMulShape shape) => shape.Bits == 8 && !shape.HasCodebook;

    private static bool Is4Bit32(MatMulShape shape) => shape.Bits == 4 && !shape.HasCodebook && shape.HasBlockGroups && shape.Rows >= 4;
}
