using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Refuses a run whose result could not be written back into the file that the model came from, before it takes hours.</summary>
internal static class WriteBack
{
    private const int NamedLinears = 2; // of each reason

    /// <summary>The linears of a model as they are stored now.</summary>
    public static IReadOnlyList<LinearShape> Linears(LoadedModel model) => [.. model.Decoder.Linears.Select(l => Shape(model, l))];

    /// <param name="path">The model, for the message.</param>
    /// <exception cref="NotSupportedException">Some linears could not be written back: says which, why, and what can be.</exception>
    public static void Require(string path, TuningMethod method, IReadOnlyList<LinearShape> linears, TuneOptions options)
    {
        if (options.AllowUnexportable)
            return;
        var refused = linears.Select(l => (l.Name, Why: method.Unexportable(l, options))).Where(l => l.Why is not null).GroupBy(l => l.Why!, l => l.Name).ToList();
        if (refused.Count == 0)
            return;
        var reasons = refused.Select(r => $"{string.Join(", ", r.Take(NamedLinears))}{(r.Count() > NamedLinears ? $" and {r.Count() - NamedLinears} more" : "")}: {r.Key}");
        throw new NotSupportedException($"{path}: the tuned model could not be written back into this file: {string.Join("; ", reasons)}. "
            + "--bits and --group quantize it anew for a file of other blocks; --allow-unexportable tunes it all the same, for export --to native or hf");
    }

    private static LinearShape Shape(LoadedModel model, Linear linear)
    {
        var shape = new LinearShape(linear.Name, linear.InFeatures, linear.OutFeatures);
        if (linear.Weight is not PackedMatrix packed)
            return shape;
        var block = model.Source.Gguf is { } file && StoredTensors.OfGguf(model.Config).Find(linear.Name + ".weight") is { } part ? file.Find(part.Stored)?.Format : null;
        return shape with { Bits = packed.Bits, Group = packed.GroupSize, Block = IsHeldBy(block, packed) ? block : null };
    }

    // A model may have been quantized anew since it was read.
    private static bool IsHeldBy(BlockFormat? block, PackedMatrix packed) =>
        block?.Codes is { } codes && (codes.Bits, codes.GroupSize, block.BlockSize) == (packed.Bits, packed.GroupSize, packed.FactorGroupSize);
}
