using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Refuses a run whose result could not be written back into the file that the model came from, before it takes hours.</summary>
internal static class WriteBack
{
    private const int NamedLinears = 2; // of each reason

    /// <summary>Refuses a run on a model as it is stored now.</summary>
    /// <inheritdoc cref="Require(string, TuningMethod, IEnumerable{LinearShape}, IEnumerable{LinearShape}, TuneOptions)"/>
    public static void Require(LoadedModel model, TuneOptions options)
    {
        var places = model.Source.Gguf is null ? null : StoredTensors.OfGguf(model.Config);
        Require(model.Source.Path, TuningMethods.Of(options), model.Decoder.Linears.Select(Shape), model.Decoder.Tables.Select(t => Shape(t.Table) with { IsHead = t.IsHead }), options);

        LinearShape Shape(Linear linear)
        {
            var shape = new LinearShape(linear.Name, linear.InFeatures, linear.OutFeatures);
            if (linear.Weight is not PackedMatrix packed)
                return shape;
            var block = places?.Find(linear.Name + ".weight") is { } part ? model.Source.Gguf!.Find(part.Stored)?.Format : null;
            return shape with { Bits = packed.Bits, Group = packed.GroupSize, Block = IsHeldBy(block, packed) ? block : null };
        }
    }

    /// <param name="path">The model, for the message.</param>
    /// <exception cref="NotSupportedException">Some linears could not be written back: says which, why, and what can be.</exception>
    /// <exception cref="ArgumentException">The options ask for a head that cannot be tuned.</exception>
    public static void Require(string path, TuningMethod method, IEnumerable<LinearShape> linears, IEnumerable<LinearShape> tables, TuneOptions options)
    {
        var tuned = linears.Concat(tables.Where(t => method.TunesTable(t, options))).ToList();
        if (options.AllowUnexportable)
            return;
        var refused = tuned.Select(l => (l.Name, Why: method.Unexportable(l, options))).Where(l => l.Why is not null).GroupBy(l => l.Why!, l => l.Name).ToList();
        if (refused.Count == 0)
            return;
        var reasons = refused.Select(r => $"{string.Join(", ", r.Take(NamedLinears))}{(r.Count() > NamedLinears ? $" and {r.Count() - NamedLinears} more" : "")}: {r.Key}");
        throw new NotSupportedException($"{path}: the tuned model could not be written back into this file: {string.Join("; ", reasons)}. "
            + "--bits and --group quantize it anew for a file of other blocks; --allow-unexportable tunes it all the same, for export --to native or hf");
    }

    // A model may have been quantized anew since it was read.
    private static bool IsHeldBy(BlockFormat? block, PackedMatrix packed) =>
        block?.Codes is { } codes && (codes.Bits, codes.GroupSize, block.BlockSize) == (packed.Bits, packed.GroupSize, packed.FactorGroupSize);
}
