namespace Vernier.Models;

/// <summary>Keys and values of one sequence, all layers. Grows to <see cref="Capacity"/> tokens.</summary>
public sealed class KvCache : IDisposable
{
    public KvCache(ModelConfig config, int capacity)
    {
        Config = config;
        Capacity = capacity;
    }

    public ModelConfig Config { get; }

    public int Capacity { get; }

    /// <summary>Tokens held.</summary>
    public int Length { get; private set; }

    /// <summary>Forgets all tokens from <paramref name="length"/> on.</summary>
    public void Truncate(int length) => Length = Math.Min(Length, length);

    public void Dispose()
    {
    }
}
