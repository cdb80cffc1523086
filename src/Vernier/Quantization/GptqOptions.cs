namespace Vernier.Quantization;

/// <summary>How GPTQ quantizes a layer (arXiv 2210.17323).</summary>
internal sealed record GptqOptions
{
    /// <summary>2 to 8.</summary>
    public int Bits { get; init; } = 4;

    /// <summary>Columns that share a scale; 0 = the whole row.</summary>
    public int Group { get; init; }

    /// <summary>How grids are fitted.</summary>
    public GridKind Grid { get; init; } = GridKind.MinMax;

    /// <summary>Share of the mean diagonal of H that is added to it.</summary>
    public double Damping { get; init; } = 0.01;

    /// <summary>Columns after which the error corrections of a block reach the columns behind it.</summary>
    public int Block { get; init; } = 128;

    /// <summary>Take columns by decreasing H_jj.</summary>
    public bool ActivationOrder { get; init; }

    /// <summary>Fit all groups' grids to the original weights in the original order of columns, so that groups stay runs of columns under any order.</summary>
    public bool StaticGroups { get; init; }

    /// <summary>Fit a group's grid to the weights as corrected up to its first column, instead of up to the start of the block.</summary>
    public bool GridFromUpdated { get; init; }
}
