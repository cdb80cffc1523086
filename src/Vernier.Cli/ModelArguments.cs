using System.CommandLine;
using Vernier.Adapters;
using Vernier.Models;

namespace Vernier.Cli;

/// <summary>MODEL and what goes with opening it: the adapter, and the arithmetic.</summary>
internal sealed class ModelArguments
{
    private readonly CommonOptions _common;
    private readonly ComputeMode _arithmetic;

    private ModelArguments(CommonOptions common, ComputeMode arithmetic) => (_common, _arithmetic) = (common, arithmetic);

    public Argument<string> Model { get; } = new("MODEL") { Description = "A .gguf file or a model folder" };

    public Option<string?> Adapter { get; } = new("--adapter") { Description = "Adapter folder that tune wrote", HelpName = "DIR" };

    public Option<ComputeMode?> Arithmetic { get; } = new("--compute") { Description = "Arithmetic of the matrix products: fp32 or int8", HelpName = "fp32|int8" };

    /// <param name="arithmetic">What the verb computes with unless it is told.</param>
    public static ModelArguments AddTo(Command command, CommonOptions common, ComputeMode arithmetic = ComputeMode.Fp32)
    {
        var arguments = new ModelArguments(common, arithmetic);
        command.Add(arguments.Model);
        command.Add(arguments.Adapter);
        command.Add(arguments.Arithmetic);
        return arguments;
    }

    /// <summary>Loads the model and puts the adapter on it.</summary>
    public LanguageModel Open(ParseResult parsed)
    {
        var options = new LoadOptions { Threads = parsed.GetValue(_common.Threads), Mode = parsed.GetValue(Arithmetic) ?? _arithmetic };
        var model = LanguageModel.Load(parsed.GetRequiredValue(Model), options);
        if (parsed.GetValue(Adapter) is { } folder)
            Vernier.Adapters.Adapter.Load(folder).ApplyTo(model);
        return model;
    }
}
