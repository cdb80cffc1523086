using Vernier.Cli.Terminal;

namespace Vernier.Cli;

/// <summary>Loads a model with a line of progress, where that takes long enough for one.</summary>
internal static class ModelLoading
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.4);

    /// <inheritdoc cref="LanguageModel.Load"/>
    public static LanguageModel Load(string path, LoadOptions options)
    {
        using var progress = new ProgressLine($"loading {Path.GetFileName(Path.TrimEndingDirectorySeparator(path))}", patience: Patience);
        return LanguageModel.Load(path, options with { Progress = (done, total) => progress.Report(done, total) }, Interruption.Token);
    }
}
