namespace Vernier.Tuning;

/// <summary>How a tensor of an adapter acts on the model, and so what lies between two of its kind.</summary>
public enum TensorKind
{
    /// <summary>It multiplies, as factors and scales do: between two lies their geometric mean.</summary>
    Multiplies,

    /// <summary>It adds, as zero points and whole weights do: between two lies their mean.</summary>
    Adds,

    /// <summary>U [rows, rank] of a change U Vᵀ: the change adds as a matrix, so that between two lie both, side by side, each with its share.</summary>
    LowRankLeft,

    /// <summary>V [columns, rank] of a change U Vᵀ.</summary>
    LowRankRight,

    /// <summary>A [rank, columns] of a change alpha / rank · B A.</summary>
    LoraA,

    /// <summary>B [rows, rank] of a change alpha / rank · B A.</summary>
    LoraB,
}
