namespace Vernier.Quantization;

/// <summary>How the scale and zero point of a group are fitted to its weights.</summary>
internal enum GridKind
{
    /// <summary>Asymmetric min-max with 0 inside the range: the papers' RTN and the start of PEQA.</summary>
    MinMax,

    /// <summary>s = max|w| / (2^(b-1) - 1), zero point 2^(b-1).</summary>
    Symmetric,

    /// <summary>Range [-max|w|, max|w|] over all 2^b - 1 steps, zero point 2^(b-1) (GPTQ's symmetric grid).</summary>
    SymmetricFullRange,

    /// <summary>Asymmetric, both ends shrunk together by 0 to 79 percent: the shrinkage with the smallest Σ|ŵ - w|^2.4 (GPTQ's clip search).</summary>
    ClipSearch,

    /// <summary>The clip search over symmetric ranges.</summary>
    ClipSearchSymmetric,
}
