namespace Vernier.Kernels;

/// <summary>An output gradient in 8 bits as <see cref="Int8InputGradient"/> multiplies it.</summary>
internal unsafe interface IInt8GradientOperand
{
    /// <summary>Rows of the weight, rounded up to whole chunks.</summary>
    int Stride { get; }

    /// <summary>Floats that a worker needs for tiles of so many tokens and columns.</summary>
    long Floats(int tokens, int columns);

    /// <summary>Takes a worker's memory. Called on the worker's own copy, before anything else.</summary>
    /// <param name="memory"><see cref="Floats"/> floats.</param>
    void Begin(float* memory, int tokens, int columns);

    /// <summary>What a tile of tokens is multiplied by the columns from <paramref name="column"/> on with.</summary>
    /// <param name="tokens">Tokens of the tile that are there.</param>
    /// <param name="factors">[columns of a panel]: what the products are still to be multiplied by; null = ones.</param>
    Int8Tokens At(int token, int tokens, int column, out float* factors);
}
