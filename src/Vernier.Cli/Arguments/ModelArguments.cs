using System.CommandLine;
using Vernier.Adapters;
using Vernier.Cli.Terminal;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Cli.Arguments;

/// <summary>MODEL and what goes with opening it: the adapter, and the arithmetic.</summary>
internal sealed class ModelArguments
{
    private readonly CommonOptions _common;
    private readonly ComputeMode _arithmetic;

    private ModelArguments(CommonOptions common, ComputeMode arithmetic) => (_common, _arithmetic) = (common, arithmetic);

    public Argument<string> Model { get; } = new("MODEL") { Description = "A .gguf file, a model folder, or hf:OWNER/NAME[/FILE] of the hub" };

    public Option<string?> AdapterFolder { get; } = new("--adapter") { Description = "Adapter folder that tune wrote", HelpName = "DIR" };

    public Option<ComputeMode?> Arithmetic { get; } = ChoiceOption.Of<ComputeMode>("--compute", "Arithmetic of the matrix products: fp32 or int8");

    /// <summary>A verb that works with a model: the common options, then these.</summary>
    /// <param name="arithmetic">What the verb computes with unless it is told.</param>
    public static (Command Command, CommonOptions Common, ModelArguments Model) NewCommand(string name, string summary, ComputeMode arithmetic = ComputeMode.Fp32)
    {
        var (command, common) = CommonOptions.NewCommand(name, summary);
        return (command, common, AddTo(command, common, arithmetic));
    }

    /// <param name="arithmetic">What the verb computes with unless it is told.</param>
    public static ModelArguments AddTo(Command command, CommonOptions common, ComputeMode arithmetic = ComputeMode.Fp32)
    {
        var arguments = new ModelArguments(common, arithmetic);
        command.Add(arguments.Model);
        command.Add(arguments.AdapterFolder);
        command.Add(arguments.Arithmetic);
        return arguments;
    }

    /// <summary>Loads the model and puts the adapter on it, merged where the merge is exact and needs no more memory than the path.</summary>
    public LanguageModel Open(ParseResult parsed) => OpenForPrompts(parsed, parsed.GetValue(AdapterFolder)).Model;

    /// <summary>The same with the adapter of any folder (null = none), and with what it says of the prompts that it was tuned on.</summary>
    /// <param name="raw">Prompts stay as they are.</param>
    public TunedPrompt OpenForPrompts(ParseResult parsed, string? folder, bool raw = false)
    {
        var model = Open(parsed, folder, out var adapter);
        if (adapter is not null && TuningMethods.Of(adapter.Config.Options).Merges != MergeResult.ExactInFullPrecision)
            adapter.MergeForInference(model, Interruption.Token);
        return new TunedPrompt(model, raw ? null : adapter?.Config.Prompt);
    }

    /// <summary>Loads the model and puts the adapter beside its weights.</summary>
    /// <param name="adapter">Null where none was asked for.</param>
    public LanguageModel Open(ParseResult parsed, out Adapter? adapter) => Open(parsed, parsed.GetValue(AdapterFolder), out adapter);

    private LanguageModel Open(ParseResult parsed, string? folder, out Adapter? adapter)
    {
        var options = new LoadOptions { Threads = parsed.GetValue(_common.Threads), Mode = parsed.GetValue(Arithmetic) ?? _arithmetic };
        var model = ModelLoading.Load(parsed.GetRequiredValue(Model), options);
        adapter = folder is null ? null : Adapter.Load(folder);
        adapter?.ApplyTo(model, Interruption.Token);
        return model;
    }
}
