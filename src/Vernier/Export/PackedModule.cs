using Vernier.Files.Packings;

namespace Vernier.Export;

/// <summary>What the settings of a packing depend on in one layer.</summary>
/// <param name="Name">Hugging Face module path.</param>
/// <param name="Symmetric">All zero points are 2^(bits - 1).</param>
/// <param name="ZeroAtZero">Some zero point is 0.</param>
internal sealed record PackedModule(string Name, int Rows, int Columns, int Bits, int GroupSize, bool ActivationOrder, bool Symmetric, bool ZeroAtZero)
{
    public static PackedModule Of(string name, QuantizedLayer layer) => new(name, layer.OutFeatures, layer.InFeatures, layer.Bits, layer.GroupSize, layer.GroupIndex is not null,
        layer.ZeroPoints is { } all && !all.AsSpan().ContainsAnyExcept(1 << (layer.Bits - 1)), layer.ZeroPoints is { } zeros && zeros.AsSpan().Contains(0));

    /// <summary>The group size that the settings state, -1 for one group a row.</summary>
    public int StatedGroup => GroupSize == Columns ? -1 : GroupSize;

    /// <summary>Whether a stated group size gives this layer's groups.</summary>
    public bool HasGroup(int stated) => (stated == -1 ? Columns : Math.Min(stated, Columns)) == GroupSize;

    /// <summary>Bits and group that most weights have: rows of one group prove nothing where others have several.</summary>
    public static (int Bits, int Group) Usual(IReadOnlyList<PackedModule> modules) =>
        modules.GroupBy(m => (m.Bits, m.StatedGroup)).OrderByDescending(g => g.Key.StatedGroup != -1).ThenByDescending(g => g.Sum(m => (long)m.Rows * m.Columns)).First().Key;
}
