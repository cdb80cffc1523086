using System.Diagnostics;

namespace Vernier.Drills;

/// <summary>SIGINT and SIGTERM at random moments.</summary>
internal static class SignalDrill
{
    private const int Int = 2, Term = 15;

    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    public static IEnumerable<string> Run(DrillRun drill)
    {
        DrillModel.WriteAll(drill);
        var writers = KillDrill.Prepare(drill);
        var verbs = writers.Select(w => (w.Work, (SortedDictionary<string, string>?)w.Expected, w.Time)).ToList();
        foreach (var reader in Readers(drill).Where(w => drill.Only is null || w.Name.Contains(drill.Only, StringComparison.Ordinal)))
        {
            var started = Stopwatch.StartNew();
            using var process = VernierProcess.Start(reader.Arguments(drill.At("whole")));
            process.WaitForExit(TimeSpan.FromSeconds(4)); // some take longer than anybody wants to wait for
            verbs.Add((reader, null, started.Elapsed));
        }
        var (met, slowest) = (0, TimeSpan.Zero);
        for (var turn = 0; drill.Done < drill.Count; turn++)
        {
            var (work, expected, time) = verbs[turn % verbs.Count];
            var output = work.Output(drill.At($"signal-{turn}"));
            var signal = drill.Random.Next(2) == 0 ? Int : Term;
            using var process = VernierProcess.Start(work.Arguments(drill.At($"signal-{turn}")));
            Thread.Sleep(time * drill.Random.NextDouble());
            if (process.HasExited)
                continue; // it was faster this time
            var clock = Stopwatch.StartNew();
            process.Send(signal);
            var code = process.WaitForExit(s_limit * drill.Slack);
            drill.Done++;
            slowest = clock.Elapsed > slowest ? clock.Elapsed : slowest;
            if (code is null)
            {
                yield return $"{work.Name}, turn {turn}: did not end within {s_limit * drill.Slack} of signal {signal}";
                continue;
            }
            met++;
            if (code != 128 + signal && code != 0)
                yield return $"{work.Name}, turn {turn}: exit code {code} after signal {signal}: {process.Error}";
            if (process.Error.Contains("   at ", StringComparison.Ordinal) || process.Error.Contains("Unhandled", StringComparison.Ordinal))
                yield return $"{work.Name}, turn {turn}: {process.Error}";
            if (expected is not null && KillDrill.Finish(drill, work, turn, output, expected, "signal") is { } failure)
                yield return failure;
        }
        drill.Summary = FormattableString.Invariant($"{met} ended in time; the slowest end took {slowest.TotalSeconds:F2} s.");
    }

    private static IEnumerable<Work> Readers(DrillRun drill)
    {
        var model = drill.At("model.gguf");
        return
        [
            new("eval", _ => ["eval", model, "--context", "64", "--task", drill.At("long.txt")]),
            new("score", o => ["score", model, "--file", drill.At("rows.jsonl"), "--out", o + ".jsonl"]),
            new("tokenize", o => ["tokenize", model, "--file", drill.At("texts.jsonl"), "--out", o + ".jsonl"]),
            new("generate", _ => ["generate", model, "--max-tokens", "100", "--prompt", "the quick"]),
            new("chat", _ => ["chat", model]),
            new("bench", _ => ["bench", model]),
            new("demo", o => ["demo", "--threads", "1", "--out", o]),
            new("inspect", _ => ["inspect", model]),
            new("verify", _ => ["verify", model, model]),
            new("plan", _ => ["plan", model]),
        ];
    }
}
