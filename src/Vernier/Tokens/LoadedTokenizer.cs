namespace Vernier.Tokens;

/// <summary>What the tokenizer files of a model hold.</summary>
/// <param name="Tokenizer">Text to ids and back.</param>
/// <param name="ChatTemplateSource">The model's chat template, or null.</param>
/// <param name="EndIds">The ids that end a reply: EOS and the ends of a turn.</param>
public sealed record LoadedTokenizer(ITokenizer Tokenizer, string? ChatTemplateSource, IReadOnlyList<int> EndIds)
{
    /// <summary>The spellings by which models mark the end of a turn.</summary>
    private static readonly string[] EndNames =
        ["<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<end_of_turn>", "<|end|>", "<|end_of_text|>", "<|endoftext|>", "<|end_of_turn|>", "</s>", "<eos>", "<|eot|>"];

    internal static LoadedTokenizer Of(ITokenizer tokenizer, string? template, IEnumerable<long?> statedEnds)
    {
        var named = EndNames.Select(tokenizer.Find).Where(id => id is { } found && tokenizer.IsSpecial(found));
        var stated = statedEnds.Where(id => id >= 0 && id < tokenizer.VocabularySize).Select(id => (int?)id);
        return new(tokenizer, template, [.. stated.Prepend(tokenizer.EosId).Concat(named).OfType<int>().Distinct()]);
    }
}
