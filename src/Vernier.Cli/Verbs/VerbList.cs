using System.CommandLine;

namespace Vernier.Cli.Verbs;

/// <summary>A verb of the command line: its name and how to build it.</summary>
internal sealed record Verb(string Name, Func<Command> Create);

/// <summary>All verbs, in the order of the help.</summary>
internal static class VerbList
{
    public static IReadOnlyList<Verb> All { get; } =
    [
        new("demo", DemoVerb.Create),
        new("inspect", InspectVerb.Create),
        new("plan", PlanVerb.Create),
        new("quantize", QuantizeVerb.Create),
        new("imatrix", ImatrixVerb.Create),
        new("tune", TuneVerb.Create),
        new("sweep", SweepVerb.Create),
        new("compare", CompareVerb.Create),
        new("eval", EvalVerb.Create),
        new("score", ScoreVerb.Create),
        new("tokenize", TokenizeVerb.Create),
        new("generate", GenerateVerb.Create),
        new("chat", ChatVerb.Create),
        new("export", ExportVerb.Create),
        new("verify", VerifyVerb.Create),
        new("pull", PullVerb.Create),
        new("push", PushVerb.Create),
        new("adapter", AdapterVerb.Create),
        new("bench", BenchVerb.Create),
        new("completion", CompletionVerb.Create),
    ];
}
