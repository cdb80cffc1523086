using System.Diagnostics;
using Vernier.Drills;

// Attacks on Vernier from outside, each with a count and a bound in time; 0 failures are asked.
//   dotnet run -c Release --project lab/drills -- [kills|signals|disks|mutations|all] [--count N] [--seed N] [--slack X] [--only TEXT]
// kills      SIGKILL at a random moment of tune, export and quantize; what is there afterwards is whole, and the next run ends in the same bits
// signals    SIGINT or SIGTERM at a random moment of every verb: exit 130 or 143 within 2 s, and a stopped run goes on to the same bits
// disks      a file system that fills up (tmpfs; needs root): one line, exit 1, nothing half written, and with more room the same bits
// mutations  damaged model, tokenizer, template, run, adapter and data files through the readers: no crash, no hang, no exception but those that are documented
// --slack X multiplies the time limits, for a machine that is busy.
var options = DrillOptions.Parse(args);
var failed = 0;
foreach (var (name, usual, run) in new (string, int, Func<DrillRun, IEnumerable<string>>)[]
{
    ("kills", 150, KillDrill.Run),
    ("signals", 60, SignalDrill.Run),
    ("disks", 30, DiskDrill.Run),
    ("mutations", 10_000, MutationDrill.Run),
})
{
    if (options.Drill != "all" && options.Drill != name)
        continue;
    var started = Stopwatch.StartNew();
    using var drill = new DrillRun(name, options.Count ?? usual, options);
    foreach (var failure in run(drill))
    {
        failed++;
        Console.WriteLine($"FAILED {name}: {failure}");
    }
    Console.WriteLine(FormattableString.Invariant($"{name}: {drill.Done} of {drill.Count} done in {started.Elapsed.TotalSeconds:F0} s. {drill.Summary}"));
}
Console.WriteLine(failed == 0 ? "0 failures" : $"{failed} FAILURES");
return failed == 0 ? 0 : 1;
