using Vernier.Kernels;

namespace Vernier.Cli.Benchmark;

/// <summary>The bodies of matrix products and what they are chosen for on this machine. Property names in snake_case are the fields of the JSON result.</summary>
/// <param name="Tier">The widest vectors of this machine: AVX-512, AVX2, 128 bits or scalar.</param>
/// <param name="Rows">Every body, those of a product together, best first.</param>
internal sealed record KernelTable(string Tier, IReadOnlyList<KernelRow> Rows)
{
    /// <summary>That of this machine.</summary>
    public static KernelTable Read() => new(Name(InstructionTiers.Best),
        [.. KernelList.Read().Select(b => new KernelRow(b.Product, b.Body, Name(b.Tier), b.Serves, b.RunsHere, [.. b.ChosenFor.Select(s => new KernelUse(s.Bits, s.GroupSize, s.Columns, s.Tokens))]))]);

    private static string Name(InstructionTier tier) => tier switch
    {
        InstructionTier.Vector512 => "AVX-512",
        InstructionTier.Vector256 => "AVX2",
        InstructionTier.Vector128 => "128 bits",
        _ => "scalar",
    };
}
