using System.Text.Json;
using System.Text.RegularExpressions;
using Vernier.Data;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tests.Goldens;
using Vernier.Tests.Models;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

/// <summary>Every case of goldens/train: whole runs of a method on a tiny model, from the start values given there. Tolerances as its README states.</summary>
public class TrainGoldenTests
{
    private const string Folder = "goldens/train";

    // Their forward pass rounds: a code that flips in one run and not in the other sets them apart.
    private static readonly string[] s_rounding = ["qat", "qat-lora", "l4q"];

    public static TheoryData<string> Cases() =>
    [
        .. SharedFiles.Folders(Folder).SelectMany(place => Meta(place).EnumerateObject().Select(c => Path.Combine(place, c.Name + ".safetensors")))
            .Where(path => !SharedFiles.IsCopy(path)).Select(SharedFiles.NameOf),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Same_losses_and_the_same_end(string name)
    {
        var path = SharedFiles.At(name);
        var place = Path.GetDirectoryName(path)!;
        var about = Meta(place).GetProperty(Path.GetFileNameWithoutExtension(path));
        var golden = new GoldenTensors(path);
        using var model = LanguageModel.Load(Path.Combine(place, "../models", about.GetProperty("model").GetString()!), new LoadOptions { Threads = 2 });
        var (decoder, compute) = (model.Decoder, model.Compute);
        var options = Options(about);
        if (golden.Names.Any(n => n.EndsWith(".codes", StringComparison.Ordinal)))
        {
            decoder.ReplaceLinears(l => golden.Has($"init.{l.Name}.codes") ? new FrozenLinear(l.Name, Packed(golden, l, options.Bits!.Value, options.Group), l.Bias) : l);
            options = options with { Bits = null };
        }
        TuningMethods.Of(options).Apply(decoder, options, compute);
        var data = Batches(Path.Combine(place, $"batches_{about.GetProperty("model")}.safetensors"), decoder.Config);
        using var loop = new TrainingLoop(decoder, compute, new BatchOrder(data, options.Batch, 1, null), options);
        Start(golden, loop);

        var rounds = s_rounding.Contains(options.Method);
        // Starts with weights exactly on the clipping bound, where the last bit of a sum decides on which side they fall: correct runs drifted apart by up to 0.2.
        var onTheBound = name.Contains("_exactinit", StringComparison.Ordinal);
        var rate = about.GetProperty("lr").GetDouble();
        var quantizerRate = about.GetProperty("lr_of_s_and_b").GetDouble();
        var rates = golden["lr"].Values;
        CheckEval("eval_before", 2e-4);
        for (var step = 0; step < rates.Length; step++)
        {
            var figures = loop.Step(step, rates[step], rates[step] / rate * quantizerRate);
            var tolerance = (rounds, step < 5) switch { (true, true) => 5e-3, (true, false) => 0.1, (false, true) => 2e-5, _ => 3e-4 };
            if (onTheBound)
                tolerance = step == 0 ? 2e-5 : 0.3;
            Assert.True(Math.Abs(golden["loss"].Values[step] - figures.Loss) <= tolerance, $"step {step}: loss {figures.Loss}, expected {golden["loss"].Values[step]}");
            if (step == 0)
                CheckFirstGradients(golden, loop, figures.GradientNorm);
        }
        CheckEval("eval_after", onTheBound ? 0.3 : rounds ? 0.1 : 3e-4);
        if (!onTheBound)
            CheckEnd(golden, loop, rounds ? 0.1 : 1e-3);

        void CheckEval(string tensor, double tolerance)
        {
            var order = new BatchOrder(data, options.Batch, 1, null);
            for (var b = 0; b < golden[tensor].Values.Length; b++)
            {
                var scored = order.Begin(b);
                var loss = decoder.SumNegativeLogLikelihood(compute, order.MicroBatch(0)) / scored;
                Assert.True(Math.Abs(golden[tensor].Values[b] - loss) <= tolerance, $"{tensor}[{b}]: {loss}, expected {golden[tensor].Values[b]}");
            }
        }
    }

    private static JsonElement Meta(string place) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(place, "meta.json"))).RootElement.GetProperty("cases");

    private static TuneOptions Options(JsonElement about)
    {
        var rank = about.GetProperty("r").GetInt32();
        var bits = about.GetProperty("bits").GetInt32();
        var targets = about.GetProperty("targets");
        var method = about.GetProperty("method").GetString()!;
        return new TuneOptions
        {
            Method = method.Replace("qatlora", "qat_lora").Replace('_', '-'),
            Granularity = Granularity.Group,
            Parameterize = Parameterization.Scale,
            Bits = bits == 0 ? null : bits,
            Group = about.GetProperty("group").GetInt32(),
            Rank = Math.Max(1, rank),
            Alpha = (float)(about.GetProperty("scaling").GetDouble() * Math.Max(1, rank)),
            Targets = targets.ValueKind == JsonValueKind.Array ? $"({string.Join('|', targets.EnumerateArray().Select(t => Regex.Escape(t.GetString()!)))})$" : "all",
            Init = method == "qat" ? "lsq" : null,
            Scope = method is "full" or "qat" ? TuneScope.All : TuneScope.Block,
            WeightDecay = 0.01,
            Clip = 1,
            Batch = 2,
        };
    }

    private static PackedMatrix Packed(GoldenTensors golden, Linear linear, int bits, int group)
    {
        var packed = new PackedMatrix(linear.OutFeatures, linear.InFeatures, bits, group);
        var codes = Array.ConvertAll(golden[$"init.{linear.Name}.codes"].Values, v => (byte)v);
        for (var row = 0; row < packed.Rows; row++)
            packed.SetRowCodes(row, codes.AsSpan(row * packed.Columns, packed.Columns));
        var scale = golden[$"init.{linear.Name}.s"].Floats;
        var zero = golden[$"init.{linear.Name}.z"].Floats;
        for (var i = 0; i < scale.Length; i++)
        {
            packed.TunedScales.Scale.Span[i] = scale[i];
            packed.TunedScales.Offset.Span[i] = -scale[i] * zero[i];
        }
        return packed;
    }

    /// <summary>The batches by way of a data file: rows with their masks and labels.</summary>
    private static TrainingData Batches(string goldenPath, ModelConfig config)
    {
        var golden = new GoldenTensors(goldenPath);
        var width = golden["input_ids"].Shape[^1];
        var path = Path.Combine(Path.GetTempPath(), $"vernier-{Guid.NewGuid():N}.jsonl");
        try
        {
            File.WriteAllLines(path, Enumerable.Range(0, golden["input_ids"].Values.Length / width)
                .Select(row => JsonSerializer.Serialize(new { input_ids = Row("input_ids", row), attention_mask = Row("attention_mask", row), labels = Row("labels", row) })));
            return TrainingData.Load(path, null, new TuneOptions().Rows, config);
        }
        finally
        {
            File.Delete(path);
        }

        int[] Row(string name, int row) => [.. golden[name].Values.Skip(row * width).Take(width).Select(v => (int)v)];
    }

    private static void Start(GoldenTensors golden, TrainingLoop loop)
    {
        foreach (var parameter in loop.Optimizer.Parameters)
            if (golden.Has("init." + GoldenName(parameter.Name)))
                golden["init." + GoldenName(parameter.Name)].Floats.CopyTo(parameter.Value.Span);
        loop.ParametersChanged();
    }

    private static void CheckFirstGradients(GoldenTensors golden, TrainingLoop loop, double norm)
    {
        Assert.Equal(1, norm / golden["grad_norm"].Values[0], 1e-3);
        foreach (var parameter in loop.Optimizer.Parameters)
            if (golden.Has("grad0." + GoldenName(parameter.Name)))
                Close.AssertRelative(golden["grad0." + GoldenName(parameter.Name)].Floats, parameter.Gradient.Span, 1e-4, parameter.Name);
    }

    /// <summary>rms(difference) / rms(final - init) over all tensors that are given.</summary>
    private static void CheckEnd(GoldenTensors golden, TrainingLoop loop, double tolerance)
    {
        double difference = 0, change = 0;
        var compared = 0;
        foreach (var parameter in loop.Optimizer.Parameters)
        {
            var name = GoldenName(parameter.Name);
            if (!golden.Has("final." + name) || !golden.Has("init." + name))
                continue;
            compared++;
            var (end, start) = (golden["final." + name].Values, golden["init." + name].Values);
            var value = parameter.Value.Span;
            for (var i = 0; i < end.Length; i++)
            {
                difference += (end[i] - value[i]) * (end[i] - value[i]);
                change += (end[i] - start[i]) * (end[i] - start[i]);
            }
        }
        if (compared > 0)
            Assert.True(Math.Sqrt(difference / change) <= tolerance, $"end differs by {Math.Sqrt(difference / change):g3} of the change");
    }

    private static string GoldenName(string parameter) =>
        parameter.EndsWith(".scale", StringComparison.Ordinal) ? parameter[..^"scale".Length] + "s"
        : parameter.EndsWith(".offset", StringComparison.Ordinal) ? parameter[..^"offset".Length] + "b"
        : parameter;
}
