using Vernier.Tuning;

namespace Vernier.Bench;

/// <summary>One row of the comparison: a method at a width and group, with the learning rates to try.</summary>
/// <param name="Name">As in the table.</param>
/// <param name="Options">Method, bits and group; null = nothing is tuned.</param>
/// <param name="Rates">Learning rates; the best one counts.</param>
/// <param name="Gptq">Width of a quantization by GPTQ after everything else (LoRA + GPTQ); null = none.</param>
internal sealed record PapersRun(string Name, TuneOptions? Options, float[] Rates, int? Gptq = null)
{
    /// <summary>The comparisons of both papers that a small model can show.</summary>
    public static IReadOnlyList<PapersRun> All { get; } =
    [
        new("untuned", null, [0]),
        Rtn(3, 0),
        Peqa(3, 0),
        new("LoRA + GPTQ, 3 bits, per channel", new TuneOptions { Method = "lora" }, [2e-3f, 4e-3f], Gptq: 3),
        Rtn(4, 64),
        new("QLoRA, 4 bits, groups of 64", new TuneOptions { Method = "qlora", Bits = 4, Group = 64, Targets = "all" }, [2e-3f, 4e-3f]),
        new("L4Q, 4 bits, groups of 64", new TuneOptions { Method = "l4q", Bits = 4, Group = 64, ExportFormat = "gguf" }, [3e-4f, 1e-3f]),
        Rtn(3, 256),
        Peqa(3, 256),
        Rtn(3, 128),
        Peqa(3, 128),
        Rtn(3, 64),
        Peqa(3, 64),
    ];

    private static PapersRun Rtn(int bits, int group) => new($"RTN, {bits} bits, {Groups(group)}", new TuneOptions { Method = "peqa", Bits = bits, Group = group }, [0]);

    private static PapersRun Peqa(int bits, int group) =>
        new($"PEQA, {bits} bits, {Groups(group)}", new TuneOptions { Method = "peqa", Bits = bits, Group = group, Granularity = group == 0 ? Granularity.Channel : Granularity.Group }, [1e-2f, 2e-2f]);

    private static string Groups(int group) => group == 0 ? "per channel" : $"groups of {group}";
}
