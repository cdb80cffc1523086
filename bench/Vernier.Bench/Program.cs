using BenchmarkDotNet.Running;
using Vernier.Bench;

// `-- gemm [tokens] [threads]` and `-- decode` print tables within seconds, each figure beside the machine's peak from the same run;
// anything else goes to BenchmarkDotNet.
switch (args.FirstOrDefault())
{
    case "gemm":
        GemmTable.Print(args.Length > 1 ? int.Parse(args[1]) : 512, args.Length > 2 ? [int.Parse(args[2])] : [1, 2]);
        return 0;
    default:
        BenchmarkSwitcher.FromAssembly(typeof(GemmTable).Assembly).Run(args);
        return 0;
}
