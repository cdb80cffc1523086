namespace Vernier.Drills;

/// <summary>A verb at work: its command line, and what it writes.</summary>
/// <param name="Name">For reports.</param>
/// <param name="Arguments">Given the path of the output.</param>
/// <param name="Resumes">A later run is told to go on with --resume.</param>
internal sealed record Work(string Name, Func<string, string[]> Arguments, bool Resumes = false)
{
    public string[] Again(string output) => Resumes && Directory.Exists(output) ? [.. Arguments(output), "--resume"] : Arguments(output);

    /// <summary>Verbs that write something that must be whole.</summary>
    public static IReadOnlyList<Work> Writers(DrillRun drill)
    {
        string[] tune = ["tune", drill.At("model.gguf"), "--data", drill.At("text.txt"), "--context", "64", "--batch", "2", "--threads", "1", "--steps", "40", "--checkpoint-every", "3"];
        return
        [
            new("tune", o => [.. tune, "--out", o], true),
            new("tune with validation", o => [.. tune, "--eval-data", drill.At("text.txt"), "--eval-every", "3", "--accumulate", "2", "--out", o], true),
            new("tune l4q", o => [.. tune, "--method", "l4q", "--lr", "1e-3", "--out", o], true),
            new("export gguf", o => ["export", drill.At("model.gguf"), "--to", "gguf", "--out", o + ".gguf"]),
            new("export hf", o => ["export", drill.At("model.gguf"), "--to", "hf", "--out", o]),
            new("export gptq", o => ["export", drill.At("full4"), "--to", "gptq", "--out", o]),
            new("quantize", o => ["quantize", drill.At("full"), "--bits", "4", "--group", "32", "--out", o]),
            new("quantize gptq", o => ["quantize", drill.At("full"), "--bits", "4", "--group", "32", "--scheme", "gptq", "--calibration", drill.At("text.txt"), "--samples", "16", "--context", "64", "--out", o + ".gguf"]),
        ];
    }

    /// <summary>The output's path: a verb may add to it.</summary>
    public string Output(string output) => Arguments(output)[^1];
}
