using static Vernier.Tokens.PreTokenization;

namespace Vernier.Tokens;

/// <summary>
/// What a value of GGUF's <c>tokenizer.ggml.pre</c> says of a byte-level BPE tokenizer: all names that llama.cpp knew in
/// November 2026, but for those whose pieces are not bytes. The rules are those of the models' own files, which llama.cpp
/// follows where its regular expressions can: ids are the same but for rare characters outside ASCII.
/// </summary>
/// <param name="IgnoresMerges">A piece that is a token as a whole is that token before any merge.</param>
/// <param name="AddsBos">What is meant where <c>add_bos_token</c> is not there.</param>
internal sealed record GgufPreTokenizer(PreTokenization Rules, bool IgnoresMerges = false, bool AddsBos = false)
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

    private static Dictionary<string, GgufPreTokenizer> MakeByName()
    {
        var names = new Dictionary<string, GgufPreTokenizer>(StringComparer.Ordinal);
        AddGpt2();
        AddLlama3();
        AddCased();
        AddDeepSeek();
        AddOthers();
        return names;

        void AddGpt2()
        {
            Add([Gpt2], "gpt-2", "phi-2", "olmo", "mpt", "jais", "modern-bert", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "jina-v1-en", "jina-v2-code",
                "roberta-bpe", "gigachat", "a.x-4.0", "mellum", "exaone4", "trillion", "granite-docling");
            Add([EachDigit, Gpt2], "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2");
            Add([new Split(@"[\p{P}\$\+<=>\^~\|]+"), Gpt2, new Digits(Individual: false), new Split("[0-9][0-9][0-9]")], "default");
            Add([new Split(@"[\p{P}\$\+<=>\^~\|`]+"), Gpt2, new Split("[0-9][0-9][0-9]")], "falcon");
            AddWith(WithBos, [new Split("<sentinel:[0-9]+>"), new Split("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"), new Split(@"([\t\n]|    |  )"), EachDigit,
                new Split(@"[\p{P}!-/:-@\[-`{-~]"), Gpt2], "chameleon");
        }

        void AddLlama3()
        {
            var llama3 = new Split(Llama3PreTokenizer.Pattern);
            AddWith(WholeWithBos, [llama3], "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano");
            Add([llama3], "dbrx", "smaug-bpe", "chatglm-bpe", "glm4");
            Add([Qwen2], "qwen2", "deepseek-r1-qwen", "stablelm2", "megrez", "hunyuan", "solar-open", "grok-2", "kormo", "f2llmv2");
            Add([new Split(@$"{Contractions}|{Lead}[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{LineEnds}")], "qwen35");
            Add([new Split(@$"{Lead}\p{{L}}+|\p{{N}}|{Symbols}|{LineEnds}")], "ufakzeka");
            Add([new Split(@$"{Contractions}|{Lead}\p{{L}}+|\p{{N}}{{1}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{LineEnds}")], "seed-coder");
            Add([new Split(@$"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{{L}}\p{{N}}]?+\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")],
                "bailingmoe", "bailingmoe2", "llada-moe");
            Add([new Split(@"[^\n]+|\n+"), Qwen2], "laguna");
            Add([new Split(@$"{Contractions}|{Lead}(?:\p{{L}}\p{{M}}*(?: \p{{L}}\p{{M}}*)*)+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+")], "exaone-moe");
            AddWith(Whole, [ThreeNumbers, new Split(@$"{Contractions}|{Lead}\p{{L}}+|\p{{N}}+|{Symbols}|{LineEnds}")], "minicpm5");
            var spaces = string.Concat(((int[])[512, 256, 128, 64, 32, 16, 8, 4]).Select(count => @$"\s{{{count}}}(?!\S)|"));
            Add([new Split(@$"{Contractions}|{Lead}\p{{L}}+|\p{{N}}{{1,3}}|{Symbols}|\s*[\r\n]+|{spaces}\s{{1,2}}(?!\S)|\s{{1}}")], "jais-2");
        }

        void AddCased()
        {
            Add([Gpt4o], "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2");
            AddWith(Whole, [Gpt4o], "granite-embed-multi-97m");
            AddWith(WholeWithBos, [new Split(@$"{Lead}{Upper}*{Lower}+|{Lead}{Upper}+{Lower}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{LineEnds}")],
                "tekken");
            Add([new Split(@"\d{1,3}(?=(?:\d{3})*\b)"), Gpt4o], "tiny_aya", "cohere2moe");
            AddWith(Whole, [new Split("[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+"),
                new Split(@$"{CasedWords}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{LineEnds}")], "youtu");
            Add([new Split(@$"[\p{{Han}}]+|{Lead}{HanLetters}*{HanLower}+{Contractions}?|{Lead}{HanLetters}+{HanLower}*{Contractions}?|\p{{N}}{{1,3}}|{Symbols}|{LineEnds}")], "kimi-k2");
        }

        void AddDeepSeek()
        {
            Add([new Split("[\r\n]"), new Split(@"\s?\p{L}+"), new Split(@"\s?\p{P}+"), new Split("[一-龥ࠀ-一가-\uD7FF]+"), EachDigit], "deepseek-coder");
            Add([new Split("[\r\n]"), new Split(@$"\s?{DeepSeekLetters}+"), new Split(@"\s?[!-/:-~！-／：-～‘-‟　-。]+"), new Split(@"\s+$"),
                new Split("[一-龥ࠀ-一가-\uD7FF]+"), new Digits(Individual: false)], "deepseek-llm");
            Add([ThreeNumbers, new Split("[一-龥぀-ゟ゠-ヿ]+"), new Split(MarkedWords + @"[\r\n]*|" + LineEnds)], "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4");
            Add([ThreeNumbers, new Split("[一-龥぀-ゟ゠-ヿ]+"), new Split(MarkedWords + @"|[\r\n]|\s+(?!\S)|\s+"), EachDigit], "spark2_5");
            Add([ThreesFromRight, new Split("[一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+"),
                new Split(MarkedWords + @"[\r\n]*|" + LineEnds)], "afmoe");
        }

        void AddOthers()
        {
            const string words = @" ?[^(\s|.,!?…。，、।۔،)]+";
            Add([new Split(words)], "poro-chat", "bloom", "gpt3-finnish");
            Add([new Split(words), EachDigit], "viking");
            Add([new Split(@"\p{N}+"), new Split(@"(?=(\d{3})+(?!\d))")], "superbpe");
        }

        void Add(Rule[] rules, params string[] aliases) => AddWith(new(new PreTokenization()), rules, aliases);

        void AddWith(GgufPreTokenizer settings, Rule[] rules, params string[] aliases)
        {
            foreach (var alias in aliases)
                names.Add(alias, settings with { Rules = new PreTokenization(rules) });
        }
    }
}
