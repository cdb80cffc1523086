using System.Globalization;
using System.Text.RegularExpressions;
using Vernier.Quantization;

namespace Vernier.Tuning;

/// <summary>What the options of a tuning run must hold together, beside the range of each.</summary>
internal static class TuneOptionRules
{
    /// <exception cref="ArgumentException">Names the options, and says what was expected.</exception>
    public static void Check(TuneOptions options, string dash)
    {
        OptionRules.Check(options, dash);
        OptionRules.Require(options is not { Steps: not null, Epochs: not null }, $"{dash}steps and {dash}epochs exclude each other: give one of them");
        var tokens = (double)options.Batch * options.Accumulate * options.Context;
        OptionRules.Require(tokens <= int.MaxValue, string.Create(CultureInfo.InvariantCulture,
            $"{dash}batch {options.Batch}, {dash}accumulate {options.Accumulate} and {dash}context {options.Context} make {tokens:F0} tokens a step, expected at most {int.MaxValue}"));
        CheckScheme(options, dash);
        CheckStart(options, dash);
        TuningMethods.Of(options).Check(options, dash);
        OptionRules.Require(!options.TuneHead || TuningMethods.Of(options).TakesTables, $"{dash}tune-head goes with {dash}method {OptionRules.AnyOf([.. TuningMethods.All.Where(m => m.TakesTables).Select(m => m.Name)])}, not with {TuningMethods.Of(options).Label(options)}");
        if (options.Targets is { } targets)
            _ = LinearTargets.Parse(targets, dash + "targets");
        foreach (var (text, name) in ((string?, string)[])[(options.RankPattern, "rank-pattern"), (options.AlphaPattern, "alpha-pattern")])
            CheckPattern(text, dash + name, wholeNumbers: name == "rank-pattern");
    }

    private static void CheckScheme(TuneOptions options, string dash)
    {
        var method = TuningMethods.OwnerOf(options.Scheme) ?? options.Method;
        OptionRules.Require(method == options.Method, $"{dash}scheme {options.Scheme} goes with {dash}method {method} only, not with {options.Method}");
        OptionRules.Require(options.Scheme != QuantizationScheme.GptqName, $"{dash}scheme gptq needs calibration data: quantize the model with it first, then tune the result");
    }

    private static void CheckStart(TuneOptions options, string dash)
    {
        var starts = TuningMethods.Of(options).Starts;
        if (options.Init is { } init && starts.Count > 0)
            OptionRules.Require(starts.Contains(init), $"{dash}init is '{init}', expected {OptionRules.AnyOf(starts)} with {dash}method {options.Method}");
    }

    private static void CheckPattern(string? text, string option, bool wholeNumbers)
    {
        foreach (var (pattern, value) in ModulePatterns.Parse(text, option))
        {
            OptionRules.Require(float.IsFinite(value) && (!wholeNumbers || value == MathF.Floor(value) && value <= TuneOptions.MostRank),
                string.Create(CultureInfo.InvariantCulture, $"{option}: '{pattern}={value}', expected {(wholeNumbers ? $"a whole number, 1 to {TuneOptions.MostRank}" : "a number, more than 0")}"));
            try
            {
                _ = new Regex(pattern);
            }
            catch (ArgumentException e)
            {
                throw new ArgumentException($"{option}: '{pattern}' is no regular expression: {e.Message}");
            }
        }
    }
}
