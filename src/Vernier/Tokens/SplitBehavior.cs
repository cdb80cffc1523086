namespace Vernier.Tokens;

/// <summary>What becomes of the stretches that a split finds, as Hugging Face names it.</summary>
internal enum SplitBehavior
{
    /// <summary>Every match is a piece, and so is what lies between two of them.</summary>
    Isolated,

    /// <summary>Matches are dropped.</summary>
    Removed,

    /// <summary>A match is the end of the piece before it; of several in a row, the first.</summary>
    MergedWithPrevious,

    /// <summary>A match is the beginning of the piece behind it; of several in a row, the last.</summary>
    MergedWithNext,

    /// <summary>Matches in a row are one piece.</summary>
    Contiguous,
}
