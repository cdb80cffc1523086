namespace Vernier.Kernels;

/// <summary>The bodies of <see cref="Gemm"/>, best first.</summary>
internal static class GemmBodies
{
    // Up to here no packing beats packing: the smallest tile of panels is 12 tokens.
    private const int FewTokens = 8;

    private const string Few = "to 8 tokens";
    private const string Many = "9 tokens or more";

    public static MatMulTable<IGemmBody> Forward { get; } = new(
        new(new GemvStreamed<Gemv4RowsAvx512>(), Few, s => s.Tokens <= FewTokens),
        new(new GemmBlocked<Gemm12x32Avx512>(), Many, s => s.Tokens > FewTokens),
        new(new GemvStreamed<Gemv4RowsAvx2>(), Few, s => s.Tokens <= FewTokens),
        new(new GemmBlocked<Gemm6x16Avx2>(), Many, s => s.Tokens > FewTokens),
        new(new GemvStreamed<GemvRowVector128>(), Few, s => s.Tokens <= FewTokens),
        new(new GemmBlocked<Gemm6x8Vector128>(), Many, s => s.Tokens > FewTokens),
        new(new GemvStreamed<GemvRowScalar>(), Few, s => s.Tokens <= FewTokens),
        new(new GemmBlocked<Gemm2x4Scalar>(), Many, s => s.Tokens > FewTokens));

    /// <summary>Input gradients and weight gradients.</summary>
    public static MatMulTable<IGemmGradientBody> Gradients { get; } = new(
        new(new GemmBlocked<Gemm12x32Avx512>(), "all", _ => true),
        new(new GemmBlocked<Gemm6x16Avx2>(), "all", _ => true),
        new(new GemmBlocked<Gemm6x8Vector128>(), "all", _ => true),
        new(new GemmBlocked<Gemm2x4Scalar>(), "all", _ => true));
}
