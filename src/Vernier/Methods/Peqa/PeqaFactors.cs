using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Methods.Peqa;

/// <summary>What PEQA learns about one weight, and how it acts on the scales it started from. What is null stands for factors of 1.
/// Training, merging, task switching and export all compose scales here, so they agree to the bit. <see cref="PeqaTensors"/> has the names in files.
/// Factors are of blocks: runs of whole groups of columns, whose scales move together. A block is a group unless the file has one fp16 scale for several.</summary>
internal readonly record struct PeqaFactors
{
    /// <summary>[rows]: multiplies every group of a row.</summary>
    public Parameter? Row { get; init; }

    /// <summary>[blocks]: multiplies a block in every row.</summary>
    public Parameter? Column { get; init; }

    /// <summary>[rows, blocks]: multiplies one block of one row.</summary>
    public Parameter? Group { get; init; }

    /// <summary>[rows, rank]: with <see cref="V"/> multiplies every block by its <see cref="LowRankFactor"/>.</summary>
    public Parameter? U { get; init; }

    /// <summary>[blocks, rank].</summary>
    public Parameter? V { get; init; }

    /// <summary>[rows, groups]: the scale itself, in place of a factor. Where the start is 0 (a block of equal weights) it is ignored.</summary>
    public Parameter? Scale { get; init; }

    /// <summary>[rows, groups]: zero points in units of a code. Ignored where the scale is 0.</summary>
    public Parameter? Zero { get; init; }

    /// <summary>Writes the tuned scales: ŵ = τ (s0 q + o0) with τ the product of the factors, or s / s0; zero points, where given, replace the offset by -s z.
    /// Scale and offset move together, which is right for a zero point (o = -s z) and for a minimum (o = m) alike.</summary>
    /// <param name="start">The scales of the untuned weight; unchanged.</param>
    /// <param name="destination">Of the same shape.</param>
    /// <param name="groupsInBlock">Groups that share a factor.</param>
    public void Compose(ScaleView start, TunedScales destination, int groupsInBlock = 1)
    {
        if ((start.Rows, start.Groups) != (destination.Rows, destination.Groups))
            throw new ArgumentException($"scales of [{destination.Rows}, {destination.Groups}], expected [{start.Rows}, {start.Groups}]", nameof(destination));
        var groups = start.Groups;
        for (var i = 0; i < start.Rows; i++)
        {
            var scale = destination.Scale.Slice((long)i * groups, groups);
            var offset = destination.Offset.Slice((long)i * groups, groups);
            start.ReadRow(i, scale, offset);
            ComposeRow(i, scale, offset, groupsInBlock);
        }
    }

    /// <summary>The factor 1 + u · v of one block of one row, kept above <see cref="Parameter.ScaleFloor"/> so that a scale keeps its sign.</summary>
    /// <param name="u">[rank], of the row.</param>
    /// <param name="v">[rank], of the block.</param>
    public static float LowRankFactor(ReadOnlySpan<float> u, ReadOnlySpan<float> v) => MathF.Max(Parameter.ScaleFloor, 1f + GroupSums.Dot(u, v));

    // In place: the start goes in, the tuned scales come out.
    private void ComposeRow(int row, Span<float> scale, Span<float> offset, int groupsInBlock)
    {
        var (groups, at) = (scale.Length, (long)row * scale.Length);
        var blocks = (groups - 1) / groupsInBlock + 1;
        var rowFactor = Row is null ? 1f : Row.Value.Span[row];
        var rank = U is null ? 0 : U.Shape[1];
        var column = Values(Column, 0, blocks);
        var block = Values(Group, (long)row * blocks, blocks);
        var u = Values(U, (long)row * rank, rank);
        var v = Values(V, 0, blocks * rank);
        var tuned = Values(Scale, at, groups);
        var zero = Values(Zero, at, groups);
        for (var g = 0; g < groups; g++)
        {
            var (factor, b) = (rowFactor, g / groupsInBlock);
            if (!column.IsEmpty)
                factor *= column[b];
            if (!block.IsEmpty)
                factor *= block[b];
            if (!u.IsEmpty)
                factor *= LowRankFactor(u, v.Slice(b * rank, rank));
            var start = scale[g];
            if (!tuned.IsEmpty && start != 0)
                factor = tuned[g] / start;
            scale[g] = tuned.IsEmpty || start == 0 ? factor * start : tuned[g];
            offset[g] = zero.IsEmpty || start == 0 ? factor * offset[g] : -scale[g] * zero[g];
        }
    }

    private static ReadOnlySpan<float> Values(Parameter? parameter, long at, int length) => parameter is null ? [] : parameter.Value.Slice(at, length);
}
