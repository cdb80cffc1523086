namespace Vernier.Models;

/// <summary>Several linears of a block that read one input, stored as one tensor.</summary>
/// <param name="Name">Hugging Face's module inside the block.</param>
/// <param name="Gguf">GGUF's; there the linears always lie one behind the other.</param>
/// <param name="InKeyGroups">In Hugging Face's files the rows lie key head by key head: those of the query heads that share it, then its key, then its value.
/// Else linear by linear.</param>
/// <param name="Parts">The linears, in the order of their rows.</param>
internal sealed record FusedModule(string Name, string Gguf, bool InKeyGroups, params string[] Parts)
{
    /// <summary>The linears with their rows, as a folder or a GGUF file has them.</summary>
    public IEnumerable<(string Part, int Rows, RotaryRowOrder Order)> Rows(ModelConfig config, ParameterNames names, bool gguf)
    {
        var start = 0;
        var group = config.Heads / config.KvHeads;
        foreach (var part in Parts)
        {
            var rows = part == names.Query ? config.Heads * config.HeadDim
                : part == names.Key || part == names.Value ? config.KvHeads * config.HeadDim
                : config.FeedForwardSize;
            var run = gguf || !InKeyGroups ? rows : rows / config.KvHeads;
            yield return (part, rows, new RotaryRowOrder(0, start, run, run == rows ? rows : (group + 2) * config.HeadDim));
            start += run;
        }
    }
}
