using System.CommandLine;
using Vernier.Generation;

namespace Vernier.Cli;

/// <summary>How tokens are chosen and when generation ends: shared by generate and chat.</summary>
internal sealed class SamplingArguments
{
    private readonly Option<int> _maxTokens = new("--max-tokens") { Description = "New tokens at most", HelpName = "N", DefaultValueFactory = _ => 256 };
    private readonly Option<float> _temperature = new("--temperature") { Description = "Divides the logits; 0 = greedy", HelpName = "X" };
    private readonly Option<int> _topK = new("--top-k") { Description = "Keep the K likeliest tokens; 0 = all", HelpName = "K" };
    private readonly Option<float> _topP = new("--top-p") { Description = "Keep the likeliest tokens whose probabilities add up to P", HelpName = "P", DefaultValueFactory = _ => 1f };
    private readonly Option<float> _minP = new("--min-p") { Description = "Drop tokens below this share of the likeliest", HelpName = "P" };
    private readonly Option<float> _penalty = new("--repetition-penalty") { Description = "Lowers the logits of tokens that have occurred; 1 = off", HelpName = "X", DefaultValueFactory = _ => 1f };
    private readonly Option<string[]> _stop = new("--stop") { Description = "Text that ends generation; may be given more than once", HelpName = "TEXT", DefaultValueFactory = _ => [] };
    private readonly CommonOptions _common;

    private SamplingArguments(CommonOptions common) => _common = common;

    /// <param name="temperature">The verb's default.</param>
    public static SamplingArguments AddTo(Command command, CommonOptions common, float temperature)
    {
        var arguments = new SamplingArguments(common);
        arguments._temperature.DefaultValueFactory = _ => temperature;
        foreach (var option in (Option[])[arguments._maxTokens, arguments._temperature, arguments._topK, arguments._topP, arguments._minP, arguments._penalty, arguments._stop])
            command.Add(option);
        return arguments;
    }

    public GenerationOptions Read(ParseResult parsed) => new()
    {
        MaxTokens = parsed.GetValue(_maxTokens),
        StopTexts = parsed.GetValue(_stop) ?? [],
        Sampling = new SamplingOptions
        {
            Temperature = parsed.GetValue(_temperature),
            TopK = parsed.GetValue(_topK),
            TopP = parsed.GetValue(_topP),
            MinP = parsed.GetValue(_minP),
            RepetitionPenalty = parsed.GetValue(_penalty),
            Seed = parsed.GetValue(_common.Seed),
        },
    };
}
