using Vernier;
using Vernier.Adapters;
using Vernier.Calibration;
using Vernier.Evaluation;
using Vernier.Export;
using Vernier.Files.Tensors;
using Vernier.Generation;
using Vernier.Inspection;
using Vernier.Tuning;

// Library MODEL DATA HELD_OUT: every task of the library once; docs/library.md quotes it, piece by piece.
var (path, data, heldOut) = (args[0], args[1], args[2]);

// inspect
var file = FileInspector.Inspect(path);
Console.WriteLine($"{file.Architecture}, {file.Parameters} parameters of {file.BitsPerWeight:F2} bits, codes {file.CodesSha256}");

// plan
var options = new TuneOptions { Steps = 20, Context = 128, Granularity = Granularity.Group };
var plan = TuningPlan.For(ModelOutline.Read(path), options);
Console.WriteLine($"{plan.TrainableParameters} numbers to train, {plan.ResidentBytes >> 20} MB resident");

// load
using var model = LanguageModel.Load(path, new LoadOptions { Threads = 2 });

// generate
Console.WriteLine(model.Generate("The fox", maxTokens: 24));
await foreach (var token in model.GenerateAsync("The fox", maxTokens: 24, new SamplingOptions { Temperature = 0.8f, TopP = 0.9f, Seed = 7 }))
    Console.Write(token.Text);

// score
foreach (var score in model.Score([new ScoringRequest(model.EncodePrompt("The fox is red."), From: 1)]))
    Console.WriteLine($"log-probability {score.Sum:F3}, all of it the likeliest: {score.IsGreedy}");

// evaluate
var before = (TrainingFileResult)model.Evaluate(new EvaluationOptions { Data = heldOut, Context = 128 });

// tune
var run = model.Tune(data, options, "library-run", progress: at => Console.Error.WriteLine($"{at.Step} of {at.Steps}: {at.Loss:F3}"));
var after = (TrainingFileResult)model.Evaluate(new EvaluationOptions { Data = heldOut, Context = 128 });
Console.WriteLine($"perplexity {before.Perplexity:F2}, then {after.Perplexity:F2}; codes unchanged: {run.CodesEqual}");

// apply
model.Reset();
model.Apply("library-run");

// export
model.ExportGguf("library.gguf");
PackedExport.Write(model, "library-mlx", "mlx");
HuggingFaceExport.Write(model, "library-hf", ElementType.F16);
NativeExport.Write(model, "library-native");

// verify
using (var exported = LanguageModel.Load("library.gguf"))
{
    var comparison = CodeComparison.Of(model, exported);
    Console.WriteLine($"codes equal: {comparison.CodesEqual}, {comparison.ScalesChanged} of {comparison.ScalesTotal} scales differ");
}

// switch
model.Reset();
using (var tasks = new TaskSwitch(model))
{
    tasks.Add("mine", Adapter.Load("library-run"));
    tasks.Activate("mine");
    Console.WriteLine(model.Generate("The fox", maxTokens: 8));
    tasks.Activate(null); // the base again, to the bit
}

// quantize
var layers = ModelQuantizer.Quantize(model.Decoder, model.Compute, new QuantizeOptions { Bits = 3, Group = 32, Scheme = "mse" });
Console.WriteLine($"{layers.Count} linears, largest relative error {layers.Max(l => l.RelativeError):F4}");
