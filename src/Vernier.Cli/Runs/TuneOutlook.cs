using System.Globalization;
using Vernier.Cli.Terminal;
using Vernier.Data;
using Vernier.Kernels;
using Vernier.Tuning;

namespace Vernier.Cli.Runs;

/// <summary>What <c>tune</c> says before the first step: what it is about to do with what, and what can be done with the result.</summary>
internal static class TuneOutlook
{
    /// <param name="model">As the user named it.</param>
    /// <param name="options">All values resolved.</param>
    public static void Write(string model, LanguageModel loaded, TuneOptions options, TrainingData data, TrainingData? evalData, string output)
    {
        var c = CultureInfo.InvariantCulture;
        Line("model", string.Create(c, $"{Name(model)}: {loaded.Config.Architecture}, {Count(loaded.ParameterCount)} weights, {loaded.BitsPerWeight:0.#} bits each"));
        Line("data", Describe(data, options.Context));
        foreach (var note in Notes(data.Counts, options.Context))
            Line("", note);
        if (evalData is not null)
        {
            Line("check", $"{Describe(evalData, options.Context)}; measured before and after");
            foreach (var note in Notes(evalData.Counts, options.Context))
                Line("", note);
        }
        Line("method", Method(model, loaded, options));
        var rows = Math.Min(options.Batch * options.Accumulate, data.Rows); // a step does not reach past the end of an epoch
        Line("plan", string.Create(c, $"{options.Steps} {(options.Steps == 1 ? "step" : "steps")} of {rows} {(rows == 1 ? "row" : "rows")}: {(double)options.Steps!.Value / BatchOrder.StepsOfEpoch(data, rows):0.##} times through the data (epochs)"));
        if (options.StopAfter is { } stop && stop < options.Steps)
            Line("", string.Create(c, $"stops after step {stop}; --resume goes on"));
        Console.Error.WriteLine($"{"then",-7} {Next(model, loaded, options, output)}"); // one line: it is there to be copied
    }

    /// <summary>A line of the outlook.</summary>
    public static void Line(string about, string text)
    {
        foreach (var row in WordWrap.Rows($"{about,-7} ", text, Screen.ErrorRewrites ? Screen.Width : int.MaxValue))
            Console.Error.WriteLine(row);
    }

    private static string Describe(TrainingData data, int context)
    {
        var c = CultureInfo.InvariantCulture;
        var rows = string.Create(c, $"{Name(data.Source)}: {(data.Counts.Samples > 1 ? string.Create(c, $"{data.Counts.Samples:N0} samples, ") : "")}{data.Tokens:N0} tokens in {data.Rows:N0} {(data.Rows == 1 ? "row" : "rows")} of at most {context}");
        // The first token of a sequence has nothing before it to be learned from.
        return data.ScoredTokens >= data.Tokens - data.Sequences ? rows : string.Create(c, $"{rows}; {data.ScoredTokens:N0} of the tokens are answers, which are learned");
    }

    private static IEnumerable<string> Notes(DataCounts counts, int context)
    {
        var c = CultureInfo.InvariantCulture;
        if (counts.Cut > 0)
            yield return string.Create(c, $"{Samples(counts.Cut)} longer than {context} tokens: the end is cut off; --context N makes room");
        if (counts.Continued > 0)
            yield return string.Create(c, $"{Samples(counts.Continued)} longer than {context} tokens: continued in further rows");
        if (counts.LeftOut > 0)
            yield return string.Create(c, $"{Samples(counts.LeftOut)} left out: nothing to learn within {context} tokens");
        if (counts.TokensLeftOut > 0)
            yield return string.Create(c, $"{counts.TokensLeftOut:N0} {(counts.TokensLeftOut == 1 ? "token at the end does not fill a row and is" : "tokens at the end do not fill a row and are")} left out");

        string Samples(int number) => string.Create(c, $"{number:N0} {(number == 1 ? "sample" : "samples")}");
    }

    private static string Method(string model, LanguageModel loaded, TuneOptions options)
    {
        var trained = TuningPlan.For(ModelOutline.Read(model), options).TrainableParameters;
        var values = string.Create(CultureInfo.InvariantCulture, $"{options.Method} trains {Count(trained)} values ({100.0 * trained / Math.Max(1, loaded.ParameterCount):0.##} % of the weights)");
        return options.Bits is { } bits ? $"{values}; the model is first rounded to {bits} bits"
            : IsQuantized(loaded) && TuningMethods.Of(options).KeepsCodes ? $"{values}; their integers stay as they are"
            : values;
    }

    /// <summary>The command that makes a model of the result.</summary>
    private static string Next(string model, LanguageModel loaded, TuneOptions options, string output)
    {
        var source = new ExportSource(IsQuantized(loaded), loaded.Source.Gguf is not null, loaded.Source.Gguf?.Tensors.Any(t => t.Format.Codes is { } codes && codes.GroupSize < t.Format.BlockSize) == true);
        var target = TuningMethods.Of(options).Export(options, source);
        return $"vernier export {Quoted(model)} --adapter {Quoted(output)} {target.Arguments}{(target.Note is { } note ? $" ({note})" : "")}";
    }

    private static bool IsQuantized(LanguageModel model) => model.Decoder.Linears.Any(l => l.Weight is PackedMatrix);

    private static string Count(long number) => number switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{number / 1e9:0.##} billion"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{number / 1e6:0.#} million"),
        _ => number.ToString("N0", CultureInfo.InvariantCulture),
    };

    private static string Name(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(path));

    /// <summary>As a shell takes it.</summary>
    public static string Quoted(string path) =>
        path.Length > 0 && path.All(ch => char.IsLetterOrDigit(ch) || ch is '/' or '.' or '_' or '-' or ':' or '\\' or '~') ? path : $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";
}
