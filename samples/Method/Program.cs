using Vernier;
using Vernier.Adapters;
using Vernier.Inspection;
using Vernier.Methods.Peqa;
using Vernier.Models;
using Vernier.Tuning;

// Method MODEL DATA: a tuning method that the library does not have. One class and this line make it a method like any other.
TuningMethods.Register(() => new InTurns());

var (path, data) = (args[0], args[1]);
var options = new TuneOptions { Method = "in-turns", Steps = 40, Context = 128 };

var plan = TuningPlan.For(ModelOutline.Read(path), options);
Console.WriteLine($"plan: {plan.TrainableParameters} numbers, {plan.ResidentBytes / 1e6:F0} MB");

using (var model = LanguageModel.Load(path))
{
    var run = model.Tune(data, options, "in-turns");
    Console.WriteLine($"tune: loss {run.Loss:F3} after {run.Step} steps, codes unchanged: {run.CodesEqual}");
}

var summary = RunSummary.Read("in-turns");
Console.WriteLine($"inspect: {summary.Method}, {summary.Status}, {summary.TrainableParameters} numbers in {summary.Bytes} bytes");

// Another model from the same file: the adapter fits it, and merges into its scales.
using var merged = LanguageModel.Load(path);
var adapter = Adapter.Load("in-turns");
adapter.ApplyTo(merged);
adapter.Merge(merged);
Console.WriteLine($"merge: codes as before: {merged.CodesSha256() == adapter.Config.TunedCodesSha256}");

var exported = merged.ExportGguf("in-turns.gguf");
Console.WriteLine($"export: {exported.Path}, {exported.Bytes} bytes, {string.Join(", ", exported.TensorFormats)}");

/// <summary>Scales and zero points of a quantized model in turns: even steps change the scales of single groups, odd steps the zero points; the codes stay.</summary>
internal sealed class InTurns : TuningMethod
{
    public override string Name => "in-turns";

    public override string Summary => "scales and zero points of a quantized model in turns; its codes stay";

    public override float LearningRate(TuneOptions options) => 1e-2f;

    public override LinearPlan Plan(LinearShape shape, TuneOptions options) => ScaleTuning.Plan(shape, Both(options));

    public override void Apply(Decoder decoder, TuneOptions options, Compute compute) => ScaleTuning.Insert(decoder, Both(options), compute);

    public override bool Trains(Parameter parameter, int step) => parameter.Name.EndsWith(".zero", StringComparison.Ordinal) == (step % 2 == 1);

    public override TensorKind? KindOf(string tensor) => ScaleTuning.KindOf(tensor);

    public override bool IsScales => true;

    private static TuneOptions Both(TuneOptions options) => options with { Granularity = Granularity.Group, Train = TrainedState.Both };
}
