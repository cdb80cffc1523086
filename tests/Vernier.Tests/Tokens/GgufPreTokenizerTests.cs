using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

/// <summary>The names of tokenizer.ggml.pre; pieces as the models' own files cut them.</summary>
public class GgufPreTokenizerTests
{
    private const string Text = "I'll DoIt 12345 中文カナ한글 né!?\r\n  x";

    /// <summary>Every name by which llama.cpp knows a byte-level BPE tokenizer.</summary>
    public static TheoryData<string> Names =>
    [
        "default", "minicpm5", "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "jina-v5-nano", "deepseek-llm",
        "deepseek-coder", "deepseek-v3", "spark2_5", "youtu", "falcon", "mpt", "starcoder", "gpt-2", "phi-2", "jina-es", "jina-de", "gigachat", "jina-v2-es",
        "jina-v2-de", "a.x-4.0", "mellum", "modern-bert", "jais-2", "jina-v1-en", "jina-v2-code", "roberta-bpe", "refact", "command-r", "qwen2",
        "deepseek-r1-qwen", "kormo", "f2llmv2", "qwen35", "stablelm2", "olmo", "dbrx", "smaug-bpe", "poro-chat", "glm4", "chatglm-bpe", "viking", "jais", "tekken",
        "smollm", "codeshell", "bloom", "gpt3-finnish", "exaone", "exaone4", "exaone-moe", "chameleon", "minerva-7b", "megrez", "gpt-4o", "llama4", "kanana2",
        "talkie", "granite-embed-multi-97m", "tiny_aya", "cohere2moe", "superbpe", "trillion", "granite-docling", "bailingmoe", "bailingmoe2", "llada-moe",
        "seed-coder", "hunyuan", "hunyuan-dense", "hy_v4", "joyai-llm", "kimi-k2", "ufakzeka", "grok-2", "afmoe", "laguna", "minimax-m2", "solar-open", "mellum2",
    ];

    [Theory, MemberData(nameof(Names))]
    public void EveryNameCutsAllOfAText(string name) => Assert.Equal(Text, string.Concat(PreTokenizationTests.Pieces(PreTokenization.FromGgufName(name), Text)));

    [Theory]
    [InlineData("tekken", "I|'ll| Do|It| |1|2|3|4|5| 中文カナ한글| né|!?\r\n| | x")]
    [InlineData("gpt-4o", "I'll| Do|It| |123|45| 中文カナ한글| né|!?\r\n| | x")]
    [InlineData("kimi-k2", "I'll| Do|It| |123|45| |中文|カナ한글| né|!?\r\n| | x")]
    [InlineData("deepseek-v3", "I|'ll| DoIt| |123|45| |中文カナ|한글| né|!?\r\n| | x")]
    [InlineData("deepseek-coder", "I|'|ll| DoIt| |1|2|3|4|5| |中文カナ한글| né|!?|\r|\n| | x")]
    [InlineData("falcon", "I|'|ll| DoIt| |123|45| 中文カナ한글| né|!?|\r\n | x")]
    [InlineData("superbpe", "I'll DoIt |12|345| 中文カナ한글 né!?\r\n  x")]
    [InlineData("afmoe", "I|'ll| DoIt| |12|345| |中文カナ한글| né|!?\r\n| | x")]
    [InlineData("bloom", "I'll| DoIt| 12345| 中文カナ한글| né|!?\r\n | x")]
    public void PiecesAreRight(string name, string pieces) => Assert.Equal(pieces, string.Join('|', PreTokenizationTests.Pieces(PreTokenization.FromGgufName(name), Text)));

    [Fact]
    public void AnUnknownNameIsRefusedWithTheKnownOnes() =>
        Assert.Contains("tekken", Assert.Throws<NotSupportedException>(() => PreTokenization.FromGgufName("nobody's")).Message, StringComparison.Ordinal);
}
