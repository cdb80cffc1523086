namespace Vernier.Tuning;

/// <summary>What the merge of a method's linears leaves.</summary>
public enum MergeResult
{
    /// <summary>Plain linears that compute the tuned model.</summary>
    Exact,

    /// <summary>Plain linears where the weights are in full precision; beside codes the change stays a path of its own, for which no codes are made.</summary>
    ExactInFullPrecision,

    /// <summary>A path beside rounded weights: codes of the whole come only from rounding the sum again, which loses a part.</summary>
    BesideCodes,
}
