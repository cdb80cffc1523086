using static Vernier.Tokens.PreTokenization;

namespace Vernier.Tokens;

/// <summary>
/// What a value of GGUF's <c>tokenizer.ggml.pre</c> says of a byte-level BPE tokenizer: all names that llama.cpp knew in
/// November 2026, but for those whose pieces are not bytes. The rules are those of the models' own files, which llama.cpp
/// follows where its regular expressions can: ids are the same but for rare characters outside ASCII.
/// </summary>
/// <param name="IgnoresMerges">A piece that is a token as a whole is that token before any merge.</param>
/// <param name="AddsBos">What is meant where <c>add_bos_token</c> is not there.</param>
internal sealed partial record GgufPreTokenizer(PreTokenization Rules, bool IgnoresMerges = false, bool AddsBos = false)
{
    private const string Contractions = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
    private const string Upper = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]";
    private const string Lower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}]";
    private const string Lead = @"[^\r\n\p{L}\p{N}]?";
    private const string LineEnds = @"\s*[\r\n]+|\s+(?!\S)|\s+";
    private const string Symbols = @" ?[^\s\p{L}\p{N}]+[\r\n]*";
    private const string CasedEnd = @"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|" + LineEnds;
    private const string CasedWords = $"{Lead}{Upper}*{Lower}+{Contractions}?|{Lead}{Upper}+{Lower}*{Contractions}?";
    private const string AsciiSymbolWord = @"[!""#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+";
    private const string MarkedWords = AsciiSymbolWord + @"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+";
    private const string HanLetters = @"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]";
    private const string HanLower = @"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]";

    /// <summary>The cased letters, but for some scripts and all that came after Unicode 10: what the model's file lists one by one.</summary>
    private const string DeepSeekLetters = @"[\u0295[\p{Lu}\p{Ll}\p{Lt}&&[^\u0560\u0588\u10C7-\u10FF\u1C80-\u1C8A\u2D00-\u2D2D\uA790-\uA7FA\uAB30-\uAB68"
        + @"\x{10570}-\x{105BC}\x{10D50}-\x{10D85}\x{16E40}-\x{16ED3}\x{1D400}-\x{1DF2A}]]]";

    internal const string Gpt4oPattern = CasedWords + CasedEnd;

    private static readonly GgufPreTokenizer WithBos = new(new PreTokenization(), AddsBos: true);
    private static readonly GgufPreTokenizer Whole = new(new PreTokenization(), IgnoresMerges: true);
    private static readonly GgufPreTokenizer WholeWithBos = new(new PreTokenization(), IgnoresMerges: true, AddsBos: true);
    private static readonly Split ThreeNumbers = new(@"\p{N}{1,3}");
    private static readonly Split Gpt2 = new(Gpt2PreTokenizer.Pattern);
    private static readonly Split Qwen2 = new(Llama3PreTokenizer.SingleDigitPattern);
    private static readonly Split Gpt4o = new(Gpt4oPattern);
    private static readonly Digits EachDigit = new(Individual: true);

    /// <summary>Groups of three digits from the right.</summary>
    private static readonly Split ThreesFromRight = new(@"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))");

    private static readonly Dictionary<string, GgufPreTokenizer> ByName = MakeByName();

    /// <exception cref="NotSupportedException">The name is not known here.</exception>
    public static GgufPreTokenizer Find(string name) => ByName.TryGetValue(name, out var found)
        ? found
        : throw new NotSupportedException(
            $"the pre-tokenizer \"{name}\" (tokenizer.ggml.pre) is not known; known are {string.Join(", ", ByName.Keys.Order(StringComparer.Ordinal))}");

    /// <summary>A name for rules, or null.</summary>
    public static string? NameOf(PreTokenization rules, bool ignoresMerges) => ByName
        .Where(pair => pair.Value.IgnoresMerges == ignoresMerges && pair.Value.Rules.Rules.SequenceEqual(rules.Rules)).Select(pair => pair.Key).FirstOrDefault();

    /// <summary>A pattern of a known tokenizer whose matches leave nothing between them.</summary>
    public static bool TakesAllText(string pattern) =>
        pattern is Gpt2PreTokenizer.Pattern or Llama3PreTokenizer.Pattern or Llama3PreTokenizer.SingleDigitPattern or Gpt4oPattern;
}
