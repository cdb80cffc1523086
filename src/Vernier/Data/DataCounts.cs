namespace Vernier.Data;

/// <summary>What became of the samples of a data file.</summary>
public readonly record struct DataCounts
{
    /// <summary>Samples in the file: records, or 1 for a text.</summary>
    public int Samples { get; init; }

    /// <summary>Samples that have no token to learn from, or none within the context: no row holds them.</summary>
    public int LeftOut { get; init; }

    /// <summary>Samples of a prompt and its answer whose end did not fit the context.</summary>
    public int Cut { get; init; }

    /// <summary>Documents longer than the context, which go on in further rows.</summary>
    public int Continued { get; init; }

    /// <summary>Tokens at the end of a text that did not fill a row.</summary>
    public int TokensLeftOut { get; init; }
}
