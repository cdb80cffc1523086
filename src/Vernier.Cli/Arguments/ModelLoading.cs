using Vernier.Cli.Terminal;

namespace Vernier.Cli.Arguments;

/// <summary>Loads a model with a line of progress, where that takes long enough for one, and says what its files have that nothing here knows.</summary>
internal static class ModelLoading
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.4);

    /// <inheritdoc cref="LanguageModel.Load"/>
    public static LanguageModel Load(string path, LoadOptions options)
    {
        var model = WithProgress(HubArguments.Path(path, Interruption.Token), options);
        foreach (var note in model.Source.Notes)
            Console.Error.WriteLine($"vernier: NOTE: {note}");
        return model;
    }

    private static LanguageModel WithProgress(string path, LoadOptions options)
    {
        using var progress = new ProgressLine($"loading {Path.GetFileName(Path.TrimEndingDirectorySeparator(path))}", patience: Patience);
        return LanguageModel.Load(path, options with { Progress = (done, total) => progress.Report(done, total) }, Interruption.Token);
    }
}
