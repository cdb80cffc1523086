using Vernier;
using Vernier.Adapters;
using Vernier.Inspection;
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
