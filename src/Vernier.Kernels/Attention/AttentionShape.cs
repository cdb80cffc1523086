namespace Vernier.Kernels;

/// <summary>The sizes of a causal attention with grouped key/value heads: query head h reads key/value head h / (Heads / KvHeads).</summary>
/// <param name="Heads">Query heads, a multiple of <paramref name="KvHeads"/>.</param>
/// <param name="KvHeads">Key and value heads.</param>
/// <param name="HeadDim">Channels of a head.</param>
/// <param name="Scale">Multiplies q·k before the softmax.</param>
/// <param name="Window">Key j is visible to query i when 0 ≤ i - j &lt; Window; 0 = no limit.</param>
/// <param name="SoftCap">A scaled score s becomes SoftCap · tanh(s / SoftCap) before the mask; 0 = it stays.</param>
internal readonly record struct AttentionShape(int Heads, int KvHeads, int HeadDim, float Scale, int Window = 0, float SoftCap = 0)
{
    /// <summary>Query heads that share a key/value head.</summary>
    public int Group => Heads / KvHeads;

    /// <summary>Channels of q and of the output.</summary>
    public int QueryChannels => Heads * HeadDim;

    /// <summary>Channels of k and of v.</summary>
    public int KeyChannels => KvHeads * HeadDim;

    /// <summary>The first key that query <paramref name="i"/> sees.</summary>
    internal int FirstKey(int i) => Window == 0 ? 0 : Math.Max(0, i - Window + 1);

    /// <summary>Where a row of a key/value head lies in q and the output: rows go through the queries, and in each through the heads of the group.</summary>
    internal long RowOffset(int kvHead, int row) => (long)(row / Group) * QueryChannels + (kvHead * Group + row % Group) * HeadDim;

    internal void Validate()
    {
        if (Heads < 1 || KvHeads < 1 || HeadDim < 1 || Window < 0 || !(SoftCap >= 0) || Heads % KvHeads != 0)
            throw new ArgumentException($"no such attention: {this}");
        _ = checked(Heads * HeadDim);
    }
}
