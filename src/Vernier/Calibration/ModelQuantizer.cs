using System.Text.RegularExpressions;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization;

namespace Vernier.Calibration;

/// <summary>Quantizes the linears of a decoder, block by block in the order of computation. With GPTQ each linear's moments are taken from inputs
/// that all linears before it, in earlier blocks and in its own, have already changed. What it leaves is the model's new base: tuning starts from it.</summary>
public static class ModelQuantizer
{
    private const long RecordedBytes = 1L << 30; // of moments at a time

    /// <summary>Quantizes every linear in place.</summary>
    /// <param name="calibration">Batches of tokens; needed by gptq alone.</param>
    /// <param name="progress">Called after each linear.</param>
    /// <exception cref="ArgumentException">Unknown scheme, gptq without calibration data, or a damaged pattern.</exception>
    /// <exception cref="InvalidOperationException">A task switch is in use.</exception>
    /// <exception cref="OperationCanceledException">Cancelled: some linears are quantized, some are not. <see cref="Models.LoadedModel.Reset"/> brings all of them back.</exception>
    public static IReadOnlyList<QuantizedLayer> Quantize(Decoder decoder, Compute compute, QuantizeOptions options, IReadOnlyList<TokenBatch>? calibration = null, Action<QuantizedLayer>? progress = null, CancellationToken cancel = default)
    {
        var bits = BitsOf(options.Checked());
        using var work = new WorkLease(decoder, compute, cancel, "is being quantized", changes: true);
        decoder.RequireNoSwitch();
        var done = new List<QuantizedLayer>();
        if (options.Scheme != QuantizationScheme.GptqName)
        {
            var grid = QuantizationScheme.Grid(options.Scheme);
            decoder.ReplaceLinears(linear => Replaced(linear, RoundToNearest.Quantize(linear.Weight, bits(linear.Name), options.Group, grid, cancel), Report));
            decoder.MakeBase(keeps: true);
            return done;
        }
        if (calibration is not { Count: > 0 })
            throw new ArgumentException("gptq needs calibration data", nameof(calibration));
        Sequential(decoder, compute, options, bits, calibration, Report);
        decoder.MakeBase(keeps: true);
        return done;

        void Report(QuantizedLayer layer)
        {
            done.Add(layer);
            progress?.Invoke(layer);
        }
    }

    private static void Sequential(Decoder decoder, Compute compute, QuantizeOptions options, Func<string, int> bits, IReadOnlyList<TokenBatch> calibration, Action<QuantizedLayer> report)
    {
        var hidden = new float[calibration.Count][];
        for (var i = 0; i < hidden.Length; i++)
        {
            hidden[i] = new float[calibration[i].Tokens * decoder.Config.HiddenSize];
            decoder.HiddenStates(compute, calibration[i], 0, hidden[i]);
        }
        var scratch = new float[hidden.Max(h => h.Length)];
        for (var layer = 0; layer < decoder.Config.Layers; layer++)
        {
            var names = decoder.LinearsOf(layer).Select(l => l.Name).ToArray();
            var waiting = names.ToHashSet(); // linears of this block that are still to be quantized
            foreach (var stages in StagesOf(decoder, layer))
            {
                var settings = new GptqOptions { Group = options.Group, Damping = options.Damping, ActivationOrder = options.ActivationOrder, StaticGroups = options.ActivationOrder };
                var moments = Record(decoder, compute, calibration, hidden, scratch, layer, stages, waiting, options.SkipTokens);
                foreach (var (stage, seen) in stages.Zip(moments))
                {
                    using var factor = GptqFactor.Of(compute.Pool, seen, settings);
                    seen.Dispose();
                    waiting.ExceptWith(stage);
                    decoder.ReplaceLinears(linear =>
                    {
                        var plain = linear is RecordingLinear recording ? recording.Inner : linear;
                        if (!stage.Contains(plain.Name))
                            return plain;
                        var result = Gptq.Quantize(compute.Pool, plain.Weight, factor, settings with { Bits = bits(plain.Name) });
                        return Replaced(plain, result.Pack(), report);
                    });
                }
            }
            for (var i = 0; i < hidden.Length; i++)
                decoder.ForwardBlock(compute, calibration[i], layer, hidden[i]);
        }
    }

    // Runs one block on all batches; the first linear of each stage records the inputs that the stage shares, and nothing from there on is computed.
    private static InputMoments[] Record(Decoder decoder, Compute compute, IReadOnlyList<TokenBatch> calibration, float[][] hidden, float[] scratch, int layer, string[][] stages, HashSet<string> waiting, int skip)
    {
        var rows = new CalibrationRows(skip);
        var moments = new InputMoments[stages.Length];
        decoder.ReplaceLinears(linear =>
        {
            if (!waiting.Contains(linear.Name))
                return linear;
            var stage = Array.FindIndex(stages, s => s[0] == linear.Name);
            // an expert gets some tokens, which lie in another order than those of the batch
            return new RecordingLinear(linear, stage < 0 ? null : moments[stage] = new InputMoments(linear.InFeatures), ParameterNames.IsOfExpert(linear.Name) ? null : rows);
        });
        for (var i = 0; i < hidden.Length; i++)
        {
            rows.Set(calibration[i]);
            hidden[i].CopyTo(scratch, 0);
            decoder.ForwardBlock(compute, calibration[i], layer, scratch.AsSpan(0, hidden[i].Length));
        }
        foreach (var (stage, seen) in stages.Zip(moments))
            if (ParameterNames.IsOfExpert(stage[0]))
                seen.AssumeEqualInputsIfNone();
        return moments;
    }

    // Linears that read one input are calibrated together; one pass records one such stage, or those of as many experts as fit into memory, for no expert reads what another one makes.
    private static IEnumerable<string[][]> StagesOf(Decoder decoder, int layer) => decoder.StagesOf(layer).SelectMany(stage => stage
        .Chunk((int)Math.Max(1, RecordedBytes / (8L * stage[0][0].InFeatures * stage[0][0].InFeatures)))
        .Select(together => together.Select(readers => readers.Select(l => l.Name).ToArray()).ToArray()));

    private static FrozenLinear Replaced(Linear linear, PackedMatrix packed, Action<QuantizedLayer> report)
    {
        report(new(linear.Name, packed.Bits, RelativeError(linear.Weight, packed)));
        linear.Weight.Dispose();
        return new FrozenLinear(linear.Name, packed, linear.Bias);
    }

    private static double RelativeError(WeightMatrix weight, PackedMatrix packed)
    {
        var (before, after) = (new float[weight.Columns], new float[weight.Columns]);
        var (error, size) = (0.0, 0.0);
        for (var row = 0; row < weight.Rows; row++)
        {
            weight.ReadTile(row, 1, 0, weight.Columns, before, weight.Columns);
            packed.ReadTile(row, 1, 0, weight.Columns, after, weight.Columns);
            for (var j = 0; j < before.Length; j++)
            {
                var difference = (double)before[j] - after[j];
                error += difference * difference;
                size += (double)before[j] * before[j];
            }
        }
        return size == 0 ? 0 : error / size;
    }

    /// <summary>The bit width of a linear by its module path.</summary>
    internal static Func<string, int> BitsOf(QuantizeOptions options)
    {
        var patterns = options.Overrides.Select(o => (Pattern: new Regex(o.Pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(0.1)), o.Bits)).ToArray();
        return name =>
        {
            foreach (var (pattern, bits) in patterns)
                if (pattern.IsMatch(name))
                    return bits;
            return options.Bits;
        };
    }
}
