using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Methods.LowRankAdapters;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Methods.Peqa;

/// <summary>Linears whose codes stay while their scales, their zero points or both are trained. PEQA is made of them, and so may be the methods of other programs.</summary>
public static class ScaleTuning
{
    private const int MostTableBits = 8; // where so many are spent on a table, its scales are not what it lacks

    /// <summary>Replaces the quantized linears of a decoder, or all where the options quantize first. What is trained has the names MODULE.factor, .row_factor,
    /// .column_factor, .factor_u, .factor_v, .scale and .zero, as the options choose.</summary>
    /// <param name="options">Read are Bits, Group and Scheme, Granularity, Parameterize, Train, Targets, TuneHead, AllowUnexportable, Rank and RankPattern.</param>
    /// <exception cref="ArgumentException">A linear is not quantized and the options give no bits, they ask for absolute scales that serve several groups, or for a head
    /// that is not in codes below 8 bits.</exception>
    public static void Insert(Decoder decoder, TuneOptions options, Compute compute)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(compute);
        var sinks = new PeqaSinks(compute.Pool.Threads);
        // A file may keep some of its layers in full precision: those have no codes and stay as they are.
        var tunesOwnCodes = options.Bits is null && decoder.Linears.Any(l => l.Weight is PackedMatrix);
        var isTarget = LinearTargets.ParseExpression(options.Targets, otherwise: true);
        decoder.ReplaceLinears(linear =>
        {
            if (options.Bits is null && (!isTarget(linear.Name) || tunesOwnCodes && linear.Weight is not PackedMatrix))
                return linear;
            var start = PackedBase.Of(linear, options);
            return isTarget(linear.Name) ? Tuned(linear, start, options, sinks) : new FrozenLinear(linear.Name, start, linear.Bias);
        });
        decoder.ReplaceTables(
            (table, isHead) => TunesTable(new(table.Name, table.InFeatures, table.OutFeatures, (table.Weight as PackedMatrix)?.Bits) { IsHead = isHead }, options),
            table => Tuned(table, (PackedMatrix)table.Weight, options, sinks));
    }

    /// <summary>Whether the output matrix or the embedding table is tuned: where TuneHead or an expression in Targets asks for it, and it is in codes below 8 bits.</summary>
    /// <exception cref="ArgumentException">TuneHead asks for a head that is not.</exception>
    public static bool TunesTable(LinearShape table, TuneOptions options)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentNullException.ThrowIfNull(options);
        var asked = options.TuneHead && table.IsHead;
        var isCoarse = table.Bits < MostTableBits;
        return asked && !isCoarse
            ? throw new ArgumentException($"tune-head: {table.Name} is {(table.Bits is { } bits ? $"in codes of {bits} bits" : "not quantized")}, expected codes below {MostTableBits} bits", nameof(options))
            : isCoarse && (asked || options.Train == TrainedState.Scales && LinearTargets.ParseExpression(options.Targets, otherwise: false)(table.Name));
    }

    // Takes the start over.
    private static PeqaLinear Tuned(Linear linear, PackedMatrix start, TuneOptions options, PeqaSinks sinks)
    {
        var tuned = new PeqaLinear(linear.Name, start, linear.Bias, options.Granularity, options.Parameterize, options.Train, sinks, LowRankOptions.RankOf(linear.Name, options), options.AllowUnexportable);
        start.Dispose();
        return tuned;
    }

    /// <summary>What such a linear takes.</summary>
    public static LinearPlan Plan(LinearShape shape, TuneOptions options)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(options);
        var packed = shape.With(options);
        if (packed.Bits is null || !LinearTargets.ParseExpression(options.Targets, otherwise: true)(packed.Name) && !TunesTable(shape, options))
            return new(packed, 0, packed.LoadedBytes, Products: 2);
        var all = packed.Scales(packed.Group);
        var factorGroup = options.AllowUnexportable ? packed.Group : packed.FactorGroup;
        var groups = packed.GroupsInRow(factorGroup);
        var scales = options.Granularity switch
        {
            Granularity.Channel => packed.Out,
            Granularity.Separable => packed.Out + (groups > 1 ? groups : 0),
            Granularity.LowRank => LowRankOptions.CountOf(packed.Name, options, groups, packed.Out),
            _ => options.Parameterize == Parameterization.Scale ? all : packed.Scales(factorGroup),
        };
        var trained = (options.Train == TrainedState.Zeros ? 0 : scales) + (options.Train == TrainedState.Scales ? 0 : all);
        var start = (options.Bits is null ? 4 : 8) * all; // the scales of the start: fp16 as files have them, else fp32
        return new(packed, trained, packed.LoadedBytes + start, options.Granularity is Granularity.Group or Granularity.LowRank && groups > 1 ? 3 : 2);
    }

    /// <summary>Why what they train of a linear cannot be written back into the blocks of its GGUF file; null where it can. Factors of blocks always can, where the
    /// block has a fp16 scale.</summary>
    public static string? Unexportable(LinearShape shape, TuneOptions options)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentNullException.ThrowIfNull(options);
        if (options.Bits is not null || shape.Block is not { Codes: { } codes } block)
            return null;
        return codes.Storage switch
        {
            ScaleStorage.PowerOfTwo => $"scales of {block.Name} are powers of two and take no finer factor",
            ScaleStorage.Float8 => $"scales of {block.Name} have three bits of mantissa and take no finer factor",
            _ when options.Train != TrainedState.Scales && !codes.HasFreeOffsets => $"{block.Name} has no zero points of its own to be written back: --train scales is what it takes",
            _ when options.Parameterize == Parameterization.Scale && block.BlockSize != codes.GroupSize =>
                $"{block.Name} has one fp16 scale for {block.BlockSize} columns, not one for each {codes.GroupSize}: --parameterize factor is what it takes, with any --granularity",
            _ => null,
        };
    }

    /// <summary>How a tensor of theirs acts.</summary>
    public static TensorKind KindOf(string tensor)
    {
        ArgumentException.ThrowIfNullOrEmpty(tensor);
        return PeqaTensors.KindOf(tensor);
    }
}
