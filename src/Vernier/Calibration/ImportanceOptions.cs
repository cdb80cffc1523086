namespace Vernier.Calibration;

/// <summary>Which part of a text an importance matrix is taken from.</summary>
internal sealed record ImportanceOptions
{
    /// <summary>Tokens of a chunk.</summary>
    [Option("context", "tokens of a chunk: the model reads each by itself", Range = "[2, 16777216]")]
    public int Context { get; init; } = 512;

    /// <summary>Chunks at most; null = all.</summary>
    [Option("chunks", "chunks at most; default: all of the text", Range = "[1, 2147483647]")]
    public int? Chunks { get; init; }

    /// <summary>Chunks that are left out at the start.</summary>
    [Option("from-chunk", "chunks that are left out at the start", Range = "[0, 2147483647]")]
    public int FromChunk { get; init; }
}
