using System.CommandLine;
using Vernier.Generation;

namespace Vernier.Cli.Arguments;

/// <summary>How tokens are chosen and when generation ends: shared by generate and chat.</summary>
internal sealed class SamplingArguments
{
    private readonly OptionBinding<GenerationOptions> _generation;
    private readonly OptionBinding<SamplingOptions> _sampling;
    private readonly SamplingOptions _defaults;
    private readonly Option<string[]> _stop = new Option<string[]>("--stop") { Description = "Text that ends generation; may be given more than once", HelpName = "TEXT", DefaultValueFactory = _ => [] }.Marked(OutputKind.Text);
    private readonly CommonOptions _common;

    private SamplingArguments(Command command, CommonOptions common, float temperature)
    {
        _common = common;
        _defaults = new SamplingOptions { Temperature = temperature };
        _generation = new OptionBinding<GenerationOptions>(command);
        _sampling = new OptionBinding<SamplingOptions>(command, _defaults, except: "seed");
        command.Add(_stop);
    }

    /// <param name="temperature">The verb's default.</param>
    public static SamplingArguments AddTo(Command command, CommonOptions common, float temperature) => new(command, common, temperature);

    public GenerationOptions Read(ParseResult parsed) => _generation.Apply(parsed, new GenerationOptions()) with
    {
        StopTexts = parsed.GetValue(_stop) ?? [],
        Sampling = _sampling.Apply(parsed, _defaults) with { Seed = parsed.GetValue(_common.Seed) },
    };
}
