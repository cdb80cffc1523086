namespace Vernier.Tokens;

/// <summary>
/// The rules that cut text into pieces, as data: what a tokenizer file says and what is written back to one.
/// Each rule cuts the pieces of the one before.
/// </summary>
public sealed record PreTokenization(params IReadOnlyList<PreTokenization.Rule> Rules)
{
    private const string PunctuationPattern = @"[\p{P}\$\+<=>\^~\|]+";
    private const string ThreeDigitsPattern = "[0-9][0-9][0-9]";
    private const string Gpt4oPattern =
        @"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>One way to cut.</summary>
    public abstract record Rule;

    /// <summary>By a regular expression: matches and the stretches between them are pieces.</summary>
    public sealed record Split(string Pattern) : Rule;

    /// <summary>Numbers apart from the rest.</summary>
    public sealed record Digits(bool Individual) : Rule;

    public static PreTokenization Gpt2 { get; } = new(new Split(Gpt2PreTokenizer.Pattern));

    public static PreTokenization SmolLm { get; } = new(new Digits(Individual: true), new Split(Gpt2PreTokenizer.Pattern));

    public static PreTokenization Llama3 { get; } = new(new Split(Llama3PreTokenizer.Pattern));

    public static PreTokenization Qwen2 { get; } = new(new Split(Llama3PreTokenizer.SingleDigitPattern));

    // After the rules that it names: static members get their values in the order of the text.
    private static readonly Dictionary<string, PreTokenization> ByGgufName = MakeByGgufName();

    /// <summary>What GGUF's <c>tokenizer.ggml.pre</c> names.</summary>
    /// <exception cref="NotSupportedException">The name is not known here.</exception>
    public static PreTokenization FromGgufName(string name) => ByGgufName.TryGetValue(name, out var found)
        ? found
        : throw new NotSupportedException(
            $"the pre-tokenizer \"{name}\" (tokenizer.ggml.pre) is not known; known are {string.Join(", ", ByGgufName.Keys.Order(StringComparer.Ordinal))}");

    /// <summary>A name by which GGUF knows these rules, or null.</summary>
    internal string? GgufName(bool ignoresMerges) => ignoresMerges && Rules.SequenceEqual(Llama3.Rules)
        ? "llama-bpe"
        : ByGgufName.Where(pair => pair.Value.Rules.SequenceEqual(Rules)).Select(pair => pair.Key).FirstOrDefault(name => ignoresMerges == name is "llama-bpe");

    internal PreTokenizer Build() => Rules.Count == 0
        ? new WholePreTokenizer()
        : SequencePreTokenizer.Of(Rules.Select(BuildRule));

    private static PreTokenizer BuildRule(Rule rule) => rule switch
    {
        Digits digits => new DigitsPreTokenizer(digits.Individual),
        Split { Pattern: Gpt2PreTokenizer.Pattern } => new Gpt2PreTokenizer(),
        Split { Pattern: Llama3PreTokenizer.Pattern } => new Llama3PreTokenizer(mostDigits: 3),
        Split { Pattern: Llama3PreTokenizer.SingleDigitPattern } => new Llama3PreTokenizer(mostDigits: 1),
        Split split => new RegexPreTokenizer(split.Pattern),
        _ => throw new ArgumentException($"no pre-tokenizer for {rule}", nameof(rule)),
    };

    private static Dictionary<string, PreTokenization> MakeByGgufName()
    {
        var names = new Dictionary<string, PreTokenization>(StringComparer.Ordinal);
        Add(Gpt2, "gpt-2", "phi-2", "olmo", "mpt", "jais", "modern-bert", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de");
        Add(SmolLm, "smollm", "starcoder", "refact", "command-r", "codeshell");
        Add(Llama3, "llama-bpe", "llama3", "llama-v3", "falcon3", "dbrx", "smaug-bpe", "pixtral");
        Add(Qwen2, "qwen2", "deepseek-r1-qwen", "stablelm2", "megrez");
        Add(new(new Split(Gpt4oPattern)), "gpt-4o", "llama4");
        Add(new(new Split(PunctuationPattern), new Split(Gpt2PreTokenizer.Pattern), new Digits(Individual: false), new Split(ThreeDigitsPattern)), "default");
        return names;

        void Add(PreTokenization rules, params string[] aliases)
        {
            foreach (var alias in aliases)
                names.Add(alias, rules);
        }
    }
}
