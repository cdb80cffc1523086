using BenchmarkDotNet.Running;
using Vernier.Bench;

// `-- peaks`, `-- gemm [tokens] [threads]` and `-- int8 [tokens] [threads]` print tables within a minute, each figure beside the machine's
// peak from the same run; anything else goes to BenchmarkDotNet.
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
    default:
        BenchmarkSwitcher.FromAssembly(typeof(GemmTable).Assembly).Run(args);
        break;
}
