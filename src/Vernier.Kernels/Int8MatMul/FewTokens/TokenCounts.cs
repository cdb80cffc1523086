namespace Vernier.Kernels;

/// <summary>A number of tokens as a type: sums of so many tokens stay in registers, and loops over them are unrolled.</summary>
internal interface ITokenCount
{
    /// <summary>Tokens.</summary>
    static abstract int Value { get; }
}

/// <summary>The numbers of tokens that bodies are compiled for.</summary>
internal static class TokenCounts
{
    public readonly struct One : ITokenCount
    {
        public static int Value => 1;
    }

    public readonly struct Two : ITokenCount
    {
        public static int Value => 2;
    }

    public readonly struct Three : ITokenCount
    {
        public static int Value => 3;
    }

    public readonly struct Four : ITokenCount
    {
        public static int Value => 4;
    }

    public readonly struct Eight : ITokenCount
    {
        public static int Value => 8;
    }
}
