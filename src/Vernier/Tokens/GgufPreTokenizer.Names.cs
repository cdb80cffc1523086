using static Vernier.Tokens.PreTokenization;

namespace Vernier.Tokens;

/// <summary>The names and their rules, by the pattern that they are made of.</summary>
internal sealed partial record GgufPreTokenizer
{
    private static Dictionary<string, GgufPreTokenizer> MakeByName()
    {
        var names = new Names();
        AddGpt2(names);
        AddLlama3(names);
        AddCased(names);
        AddDeepSeek(names);
        AddOthers(names);
        return names.All;
    }

    private static void AddGpt2(Names names)
    {
        names.Add([Gpt2], "gpt-2", "phi-2", "olmo", "mpt", "jais", "modern-bert", "jina-es", "jina-de", "jina-v2-es", "jina-v2-de", "jina-v1-en", "jina-v2-code",
            "roberta-bpe", "gigachat", "a.x-4.0", "mellum", "exaone4", "trillion", "granite-docling");
        names.Add([EachDigit, Gpt2], "smollm", "starcoder", "refact", "command-r", "codeshell", "exaone", "minerva-7b", "mellum2");
        names.Add([new Split(@"[\p{P}\$\+<=>\^~\|]+"), Gpt2, new Digits(Individual: false), new Split("[0-9][0-9][0-9]")], "default");
        names.Add([new Split(@"[\p{P}\$\+<=>\^~\|`]+"), Gpt2, new Split("[0-9][0-9][0-9]")], "falcon");
        names.Add(WithBos, [new Split("<sentinel:[0-9]+>"), new Split("(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z"), new Split(@"([\t\n]|    |  )"), EachDigit,
            new Split(@"[\p{P}!-/:-@\[-`{-~]"), Gpt2], "chameleon");
    }

    private static void AddLlama3(Names names)
    {
        var llama3 = new Split(Llama3PreTokenizer.Pattern);
        names.Add(WholeWithBos, [llama3], "llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano");
        names.Add([llama3], "dbrx", "smaug-bpe", "chatglm-bpe", "glm4");
        names.Add([Qwen2], "qwen2", "deepseek-r1-qwen", "stablelm2", "megrez", "hunyuan", "solar-open", "grok-2", "kormo", "f2llmv2");
        names.Add([new Split(@$"{Contractions}|{Lead}[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|{LineEnds}")], "qwen35");
        names.Add([new Split(@$"{Lead}\p{{L}}+|\p{{N}}|{Symbols}|{LineEnds}")], "ufakzeka");
        names.Add([new Split(@$"{Contractions}|{Lead}\p{{L}}+|\p{{N}}{{1}}| ?[^\s\p{{L}}\p{{N}}\r\n]+|{LineEnds}")], "seed-coder");
        names.Add([new Split(@$"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{{L}}\p{{N}}]?+\p{{L}}+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+")],
            "bailingmoe", "bailingmoe2", "llada-moe");
        names.Add([new Split(@"[^\n]+|\n+"), Qwen2], "laguna");
        names.Add([new Split(@$"{Contractions}|{Lead}(?:\p{{L}}\p{{M}}*(?: \p{{L}}\p{{M}}*)*)+|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]?|\s*[\r\n]|\s+(?!\S)|\s+")], "exaone-moe");
        names.Add(Whole, [ThreeNumbers, new Split(@$"{Contractions}|{Lead}\p{{L}}+|\p{{N}}+|{Symbols}|{LineEnds}")], "minicpm5");
        var spaces = string.Concat(((int[])[512, 256, 128, 64, 32, 16, 8, 4]).Select(count => @$"\s{{{count}}}(?!\S)|"));
        names.Add([new Split(@$"{Contractions}|{Lead}\p{{L}}+|\p{{N}}{{1,3}}|{Symbols}|\s*[\r\n]+|{spaces}\s{{1,2}}(?!\S)|\s{{1}}")], "jais-2");
    }

    private static void AddCased(Names names)
    {
        names.Add([Gpt4o], "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2");
        names.Add(Whole, [Gpt4o], "granite-embed-multi-97m");
        names.Add(WholeWithBos, [new Split(@$"{Lead}{Upper}*{Lower}+|{Lead}{Upper}+{Lower}*|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{LineEnds}")],
            "tekken");
        names.Add([new Split(@"\d{1,3}(?=(?:\d{3})*\b)"), Gpt4o], "tiny_aya", "cohere2moe");
        names.Add(Whole, [new Split("[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+"),
            new Split(@$"{CasedWords}|\p{{N}}| ?[^\s\p{{L}}\p{{N}}]+[\r\n/]*|{LineEnds}")], "youtu");
        names.Add([new Split(@$"[\p{{Han}}]+|{Lead}{HanLetters}*{HanLower}+{Contractions}?|{Lead}{HanLetters}+{HanLower}*{Contractions}?|\p{{N}}{{1,3}}|{Symbols}|{LineEnds}")], "kimi-k2");
    }

    private static void AddDeepSeek(Names names)
    {
        names.Add([new Split("[\r\n]"), new Split(@"\s?\p{L}+"), new Split(@"\s?\p{P}+"), new Split("[一-龥ࠀ-一가-\uD7FF]+"), EachDigit], "deepseek-coder");
        names.Add([new Split("[\r\n]"), new Split(@$"\s?{DeepSeekLetters}+"), new Split(@"\s?[!-/:-~！-／：-～‘-‟　-。]+"), new Split(@"\s+$"),
            new Split("[一-龥ࠀ-一가-\uD7FF]+"), new Digits(Individual: false)], "deepseek-llm");
        names.Add([ThreeNumbers, new Split("[一-龥぀-ゟ゠-ヿ]+"), new Split(MarkedWords + @"[\r\n]*|" + LineEnds)], "deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4");
        names.Add([ThreeNumbers, new Split("[一-龥぀-ゟ゠-ヿ]+"), new Split(MarkedWords + @"|[\r\n]|\s+(?!\S)|\s+"), EachDigit], "spark2_5");
        names.Add([ThreesFromRight, new Split("[一-鿿㐀-䶿豈-﫿぀-ゟ゠-ヿ･-ﾟ⼀-⿟เ-๿຀-໿ក-៿က-႟ꩠ-ꩿꧠ-꧿가-힯ᄀ-ᇿ]+"),
            new Split(MarkedWords + @"[\r\n]*|" + LineEnds)], "afmoe");
    }

    private static void AddOthers(Names names)
    {
        const string words = @" ?[^(\s|.,!?…。，、।۔،)]+";
        names.Add([new Split(words)], "poro-chat", "bloom", "gpt3-finnish");
        names.Add([new Split(words), EachDigit], "viking");
        names.Add([new Split(@"\p{N}+"), new Split(@"(?=(\d{3})+(?!\d))")], "superbpe");
    }

    private sealed class Names
    {
        public Dictionary<string, GgufPreTokenizer> All { get; } = new(StringComparer.Ordinal);

        public void Add(Rule[] rules, params string[] aliases) => Add(new(new PreTokenization()), rules, aliases);

        public void Add(GgufPreTokenizer settings, Rule[] rules, params string[] aliases)
        {
            foreach (var alias in aliases)
                All.Add(alias, settings with { Rules = new PreTokenization(rules) });
        }
    }
}
