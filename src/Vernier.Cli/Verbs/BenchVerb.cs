using System.CommandLine;
using System.Globalization;
using Vernier.Cli.Arguments;
using Vernier.Cli.Benchmark;
using Vernier.Cli.Terminal;
using Vernier.Models;

namespace Vernier.Cli.Verbs;

/// <summary><c>bench MODEL</c>: speed and memory on this machine beside the machine's own peaks; <c>bench --list</c>: which kernels it would take.</summary>
internal static class BenchVerb
{
    public static Command Create()
    {
        var (command, common, model) = ModelArguments.NewCommand("bench", "Measure prefill and decoding (int8) and tuning (fp32) on this machine, beside its peaks; --compute sets both", ComputeMode.Int8);
        model.Model.Arity = ArgumentArity.ZeroOrOne;
        var repetitions = NumberOption.Whole("--repetitions", "Each figure is the best of N", "[1, 1000]", 3);
        command.Add(repetitions);
        var inference = new Option<bool>("--inference-only") { Description = "Measure prefill and decoding alone" };
        command.Add(inference);
        var list = new Option<bool>("--list") { Description = "Measure nothing: list the bodies of matrix products and what each is chosen for on this machine" };
        command.Add(list);
        command.SetAction((parsed, stop) =>
        {
            if (parsed.GetValue(list) == parsed.GetValue(model.Model) is not null)
                throw new UsageException("bench needs either a MODEL or --list; 'vernier bench --help' says more");
            if (parsed.GetValue(list))
            {
                List(parsed.GetValue(common.Json));
                return Task.FromResult(0);
            }
            using var loaded = model.Open(parsed);
            using var progress = new ProgressLine("measuring");
            var result = ModelBenchmark.Run(loaded, parsed.GetValue(common.Seed), parsed.GetValue(repetitions), parsed.GetValue(inference),
                parsed.GetValue(model.Arithmetic) ?? ComputeMode.Fp32, stop);
            var json = parsed.GetValue(common.Json);
            if (json != "-")
                Print(result);
            JsonResult.Write(json, result);
            return Task.FromResult(0);
        });
        return command;
    }

    private static void List(string? json)
    {
        var table = KernelTable.Read();
        if (json != "-")
            KernelText.Write(table);
        JsonResult.Write(json, table);
    }

    private static void Print(BenchmarkResult r)
    {
        var c = CultureInfo.InvariantCulture;
        Console.Out.WriteLine(string.Create(c, $"machine: {r.PeakFp32Gflops:F0} GFLOP/s fp32, {r.PeakInt8Gops:F0} Gop/s int8, {r.ReadGbPerS:F1} GB/s read ({r.Threads} threads)"));
        Console.Out.WriteLine(string.Create(c, $"prefill 512: {r.PrefillTokensPerS:F1} tokens/s"));
        Console.Out.WriteLine(string.Create(c, $"decode 64: {r.DecodeTokensPerS:F1} tokens/s, {r.DecodeFractionOfRead:F2} of the speed at which its weights can be read"));
        if (r.GemmFractionOfPeak is null)
            return;
        if (r.BatchTokensPerS is { } batch)
            Console.Out.WriteLine(string.Create(c, $"batch of 16: {batch:F1} tokens/s with one task, {r.BatchTasksRatio:F3} of that with eight; decode with a task per channel in use {r.ActiveTaskRatio:F3} of without, per group {r.ActiveGroupTaskRatio:F3}; switch {r.TaskSwitchMs:F3} ms"));
        Console.Out.WriteLine(r.TuneTokensPerS is { } tune
            ? string.Create(c, $"tune PEQA per channel 2 x 512: {tune:F1} tokens/s, {r.TuneFractionOfPeak:P0} of the fp32 peak on its necessary arithmetic")
            : "tune: the model is not quantized");
        Console.Out.WriteLine(string.Create(c, $"training product: {r.GemmFractionOfPeak:P0} of the fp32 peak; resident {r.ResidentMb:F0} MB"));
    }
}
