using BenchmarkDotNet.Running;
using Vernier.Bench;
using Vernier.Models;
using Vernier.Tuning;

// `-- peaks`, `-- bodies`, `-- formats [threads]`, `-- gemm [tokens] [threads]`, `-- int8 [tokens] [threads]` and `-- step MODEL [threads] [granularity] [keep|recompute] [fp32|int8]`
// print tables within a minute, each figure beside the machine's peak from the same run; `-- compute MODEL THREADS GRANULARITY` takes steps in
// fp32 and in int8 in turns; `-- papers ...` is what papers.sh runs; anything else goes to BenchmarkDotNet.
var tokens = args.Length > 1 && int.TryParse(args[1], out var n) ? n : 512;
int[] threads = args.Length > 2 && int.TryParse(args[2], out var t) ? [t] : [1, 2];
switch (args.FirstOrDefault())
{
    case "peaks":
        PeakTable.Print(threads);
        break;
    case "gemm":
        GemmTable.Print(tokens, threads);
        break;
    case "int8":
        Int8Table.Print(tokens, threads);
        break;
    case "formats":
        FormatTable.Print(args.Length > 1 ? tokens : 1);
        break;
    case "bodies":
        BodyTable.Print();
        break;
    case "step" when args.Length > 1:
        var granularity = args.Length > 3 ? Enum.Parse<Granularity>(args[3], ignoreCase: true) : Granularity.Channel;
        var mode = args.Length > 5 ? Enum.Parse<ComputeMode>(args[5], ignoreCase: true) : ComputeMode.Fp32;
        StepTable.Print(args[1], threads[0], granularity, args.Length < 5 || args[4] == "keep", mode);
        break;
    case "compute" when args.Length > 3:
        StepRatio.Print(args[1], threads[0], Enum.Parse<Granularity>(args[3], ignoreCase: true));
        break;
    case "papers" when args.Length == 9:
        new PapersComparison(args[1], args[2], args[3], work: args[6], steps: int.Parse(args[4]), windows: int.Parse(args[5])).Run(output: args[7], only: int.Parse(args[8]));
        break;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(GemmTable).Assembly).Run(args);
        break;
}
