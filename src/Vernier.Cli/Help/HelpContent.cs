using System.CommandLine;

namespace Vernier.Cli.Help;

/// <summary>What help says beside the options themselves: an example for every verb, and the groups of the options of verbs that have many.</summary>
internal static class HelpContent
{
    private const string Other = "Other options";

    private static readonly Dictionary<string, string> Examples = new(StringComparer.Ordinal)
    {
        [""] = "vernier tune model.gguf --data train.jsonl --out run",
        ["demo"] = "vernier demo",
        ["inspect"] = "vernier inspect model.gguf",
        ["plan"] = "vernier plan model.gguf --granularity group --batch 4",
        ["quantize"] = "vernier quantize model-folder --bits 4 --group 32 --out model.gguf",
        ["imatrix"] = "vernier imatrix model.gguf --data text.txt --out importance.gguf",
        ["tune"] = "vernier tune model.gguf --data train.jsonl --eval-data test.jsonl --epochs 1 --out run",
        ["eval"] = "vernier eval model.gguf --adapter run --task text.txt",
        ["score"] = "vernier score model.gguf --file in.jsonl --out out.jsonl",
        ["tokenize"] = "vernier tokenize model.gguf --file in.jsonl --out out.jsonl",
        ["generate"] = "vernier generate model.gguf --adapter run --prompt \"Once upon a time\" --max-tokens 64",
        ["chat"] = "vernier chat model.gguf --adapter run --system \"Answer in one sentence.\"",
        ["export"] = "vernier export model.gguf --adapter run --to gguf --out tuned.gguf",
        ["verify"] = "vernier verify model.gguf tuned.gguf",
        ["pull"] = "vernier pull OWNER/NAME --include '*Q4_0.gguf'",
        ["push"] = "vernier push run OWNER/NAME",
        ["compare"] = "vernier compare run-a run-b",
        ["sweep"] = "vernier sweep model.gguf --data train.jsonl --lr 1e-3,3e-3,1e-2 --out sweep",
        ["adapter info"] = "vernier adapter info run",
        ["adapter diff"] = "vernier adapter diff run-a run-b",
        ["adapter interpolate"] = "vernier adapter interpolate run-a run-b --weight 0.5 --out between",
        ["bench"] = "vernier bench model.gguf",
        ["completion"] = "source <(vernier completion bash)",
    };

    private static readonly (string Heading, string[] Names)[] Tuning =
    [
        ("Options that matter most", ["--data", "--out", "--eval-data", "--method", "--granularity", "--lr", "--epochs", "--steps", "--context", "--batch"]),
        ("The run", ["--config", "--resume", "--stop-after", "--checkpoint-every", "--eval-every", "--keep", "--patience", "--force"]),
        ("What is trained", ["--bits", "--group", "--scheme", "--parameterize", "--train", "--scope", "--rank", "--alpha", "--targets", "--tune-head", "--rank-pattern", "--alpha-pattern", "--dropout", "--init",
            "--gradient-scale", "--export-format", "--allow-unexportable"]),
        ("How it is trained", ["--accumulate", "--schedule", "--warmup", "--scale-lr", "--weight-decay", "--clip", "--beta1", "--beta2", "--eps", "--shuffle", "--no-shuffle", "--train-on-prompt"]),
        ("Machine and result", ["--memory-limit", "--compute", "--threads", "--seed", "--json", "--help"]),
    ];

    /// <summary>One line that can be tried.</summary>
    /// <param name="words">The words that call the command.</param>
    public static string? Example(IReadOnlyList<string> words) => Examples.GetValueOrDefault(string.Join(' ', words));

    /// <summary>The options under their headings; none is left out.</summary>
    public static IEnumerable<(string Heading, IReadOnlyList<Option> Options)> Groups(IReadOnlyList<string> words, IEnumerable<Option> options)
    {
        var left = options.ToList();
        if (words is ["tune"] or ["plan"] or ["sweep"] or ["recover"])
            foreach (var (heading, names) in Tuning)
            {
                var group = names.Select(name => left.Find(o => o.Name == name)).OfType<Option>().ToList();
                left.RemoveAll(group.Contains);
                if (group.Count > 0)
                    yield return (heading, group);
            }
        if (left.Count > 0)
            yield return (words is ["tune"] or ["plan"] or ["sweep"] or ["recover"] ? Other : "Options", left);
    }
}
