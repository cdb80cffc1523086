using Vernier;
using Vernier.Tuning;

// Tasks MODEL DATA_A DATA_B PROMPT: two tasks on one quantized model, with progress, streaming and cancellation.
// Ctrl-C while it tunes saves the run; the next start goes on where it stopped.
var (path, prompt) = (args[0], args[3]);
using var stop = new CancellationTokenSource();
Console.CancelKeyPress += (_, e) =>
{
    e.Cancel = true;
    stop.Cancel();
};

using var model = LanguageModel.Load(path);
var options = new TuneOptions { Steps = 40, Context = 128 };
try
{
    foreach (var (data, folder) in new[] { (args[1], "task-a"), (args[2], "task-b") })
    {
        var progress = new Progress<TuneProgress>(at => Console.Error.Write($"\r{folder}: step {at.Step} of {at.Steps}, loss {at.Loss:F3} "));
        var run = await model.TuneAsync(data, options, folder, progress, stop.Token, resume: true);
        Console.Error.WriteLine();
        Console.WriteLine($"{folder}: {run.TrainableParameters} scales, codes unchanged: {run.CodesEqual}");
    }

    // The base, then each task on the same codes: applying one takes the other away, Reset takes both away.
    model.Reset();
    await WriteAsync("base");
    foreach (var folder in new[] { "task-a", "task-b" })
    {
        model.Apply(folder);
        await WriteAsync(folder);
    }
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("\nstopped; start again to go on");
    return 130;
}
return 0;

async Task WriteAsync(string who)
{
    Console.Write($"{who}: {prompt}");
    await foreach (var token in model.GenerateAsync(prompt, maxTokens: 24, cancel: stop.Token))
        Console.Write(token.Text);
    Console.WriteLine();
}
