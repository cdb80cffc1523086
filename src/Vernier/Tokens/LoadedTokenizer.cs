using System.Text.Json.Nodes;
using Vernier.Tokens.Templates;

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

    /// <summary>The chat template for conversations with tools, where there is one besides.</summary>
    public string? ToolTemplateSource { get; init; }

    /// <summary>What the configuration names for the chat template, such as <c>bos_token</c> and <c>additional_special_tokens</c>; null for none of a name.</summary>
    public IReadOnlyDictionary<string, JsonNode?> TemplateTokens { get; init; } = new Dictionary<string, JsonNode?>();

    /// <summary>The chat template, ready to render; null where there is none.</summary>
    /// <exception cref="TemplateException">It is not valid.</exception>
    public ChatTemplate? ParseChatTemplate() => ChatTemplateSource is null ? null : ChatTemplate.Parse(ChatTemplateSource, null, TemplateTokens, ToolTemplateSource);

    internal static LoadedTokenizer Of(ITokenizer tokenizer, string? template, IEnumerable<long?> statedEnds)
    {
        var ends = new List<int>();
        Add(tokenizer.EosId);
        foreach (var id in statedEnds)
            if (id >= 0 && id < tokenizer.VocabularySize)
                Add((int)id);
        foreach (var name in EndNames)
            if (tokenizer.Find(name) is { } id && tokenizer.IsSpecial(id))
                Add(id);
        return new(tokenizer, template, ends);

        void Add(int? id)
        {
            if (id is { } known && !ends.Contains(known))
                ends.Add(known);
        }
    }
}
