namespace Vernier.Methods.LearnedGrids;

/// <summary>Where a learned grid starts, for signed codes QN = -2^(b-1) .. QP = 2^(b-1) - 1 (L4Q, arXiv 2402.04902, section 3.2 and its ablation).</summary>
internal enum GridStart
{
    /// <summary>s = max(|min w / QN|, |max w / QP|), β = 0: nothing is clipped (L4Q, equation 15).</summary>
    L4Q,

    /// <summary>s = max(|μ - 3σ|, |μ + 3σ|) / 2^(b-1), β = 0 (LSQ+).</summary>
    LsqPlus,

    /// <summary>s = max|w| / 2^(b-1), β = 0.</summary>
    Symmetric,

    /// <summary>s = (max w - min w) / (QP - QN), β = max w - s QP.</summary>
    Asymmetric,

    /// <summary>s = 2 mean|w| / √QP, β = 0 (LSQ, arXiv 1902.08153).</summary>
    Lsq,

    /// <summary>The min-max grid of round to nearest; its integer zero point is kept as the bound of the codes.</summary>
    RoundToNearest,
}
