using Vernier.Calibration;

namespace Vernier.Export;

/// <summary>How a model becomes a GGUF file of llama.cpp's block formats.</summary>
internal sealed record BlockQuantizeOptions
{
    /// <summary>The mixture by llama.cpp's name, such as q4_k_m.</summary>
    public required string To { get; init; }

    /// <summary>What errors are weighed by; null = all weights count the same.</summary>
    public ImportanceMatrix? Importance { get; init; }

    /// <summary>Bytes of tensors of a file at most: the model is split into several; null = one file.</summary>
    public long? SplitBytes { get; init; }

    /// <summary>Threads; 0 = one for each processor.</summary>
    public int Threads { get; init; }

    /// <summary>Told of the tensors that are written: how many, of how many.</summary>
    public Action<int, int>? Progress { get; init; }
}
