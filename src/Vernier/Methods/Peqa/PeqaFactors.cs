using Vernier.Kernels;

namespace Vernier.Methods.Peqa;

/// <summary>What PEQA has learned about one weight, and how it acts on the scales it started from. Empty spans stand for factors of 1.
/// Training, merging, task switching and export all compose scales here, so they agree to the bit.</summary>
public readonly ref struct PeqaFactors
{
    /// <summary>[rows]: multiplies every group of a row.</summary>
    public ReadOnlySpan<float> Row { get; init; }

    /// <summary>[groups]: multiplies a group in every row.</summary>
    public ReadOnlySpan<float> Column { get; init; }

    /// <summary>[rows, groups]: multiplies one group of one row.</summary>
    public ReadOnlySpan<float> Group { get; init; }

    /// <summary>[rows, rank]: with <see cref="V"/> multiplies every group by its <see cref="LowRankFactor"/>.</summary>
    public ReadOnlySpan<float> U { get; init; }

    /// <summary>[groups, rank].</summary>
    public ReadOnlySpan<float> V { get; init; }

    /// <summary>[rows, groups]: the scale itself, in place of a factor. Where the start is 0 (a block of equal weights) it is ignored.</summary>
    public ReadOnlySpan<float> Scale { get; init; }

    /// <summary>[rows, groups]: zero points in units of a code. Ignored where the scale is 0.</summary>
    public ReadOnlySpan<float> Zero { get; init; }

    /// <summary>Writes the tuned scales: ŵ = τ (s0 q + o0) with τ the product of the factors, or s / s0; zero points, where given, replace the offset by -s z.
    /// Scale and offset move together, which is right for a zero point (o = -s z) and for a minimum (o = m) alike.</summary>
    /// <param name="start">The scales of the untuned weight; unchanged.</param>
    /// <param name="destination">Of the same shape.</param>
    public void Compose(ScaleView start, TunedScales destination)
    {
        if ((start.Rows, start.Groups) != (destination.Rows, destination.Groups))
            throw new ArgumentException($"scales of [{destination.Rows}, {destination.Groups}], expected [{start.Rows}, {start.Groups}]", nameof(destination));
        var groups = start.Groups;
        for (var i = 0; i < start.Rows; i++)
        {
            var scale = destination.Scale.Slice((long)i * groups, groups);
            var offset = destination.Offset.Slice((long)i * groups, groups);
            start.ReadRow(i, scale, offset);
            ComposeRow(i, scale, offset);
        }
    }

    /// <summary>The factor 1 + u · v of one group of one row, kept above <see cref="PeqaLinear.Floor"/> so that a scale keeps its sign.</summary>
    /// <param name="u">[rank], of the row.</param>
    /// <param name="v">[rank], of the group.</param>
    public static float LowRankFactor(ReadOnlySpan<float> u, ReadOnlySpan<float> v) => MathF.Max(PeqaLinear.Floor, 1f + GroupSums.Dot(u, v));

    // In place: the start goes in, the tuned scales come out.
    private void ComposeRow(int row, Span<float> scale, Span<float> offset)
    {
        var at = row * scale.Length;
        var rank = V.Length / scale.Length;
        var rowFactor = Row.IsEmpty ? 1f : Row[row];
        for (var g = 0; g < scale.Length; g++)
        {
            var factor = rowFactor;
            if (!Column.IsEmpty)
                factor *= Column[g];
            if (!Group.IsEmpty)
                factor *= Group[at + g];
            if (!U.IsEmpty)
                factor *= LowRankFactor(U.Slice(row * rank, rank), V.Slice(g * rank, rank));
            var start = scale[g];
            if (!Scale.IsEmpty && start != 0)
                factor = Scale[at + g] / start;
            scale[g] = Scale.IsEmpty || start == 0 ? factor * start : Scale[at + g];
            offset[g] = Zero.IsEmpty || start == 0 ? factor * offset[g] : -scale[g] * Zero[at + g];
        }
    }
}
