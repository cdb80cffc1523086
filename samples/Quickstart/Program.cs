using Vernier;
using Vernier.Tuning;

// Quickstart MODEL DATA: a .gguf file or a model folder, and a text or JSON Lines file.
using var model = LanguageModel.Load(args[0]);
var options = new TuneOptions { Steps = 100, Context = 256 };

var run = model.Tune(args[1], options, "run", progress: at => Console.Error.WriteLine($"step {at.Step}: loss {at.Loss:F3}"));
Console.WriteLine($"{run.TrainableParameters} scales trained, integer codes unchanged: {run.CodesEqual}");

Console.WriteLine(model.Generate("The capital of France is", maxTokens: 32));
model.ExportGguf("tuned.gguf");
