using Vernier.Quantization;

namespace Vernier.Tuning;

/// <summary>An option whose values are the names of the methods.</summary>
internal sealed class MethodOptionAttribute(string name) : OptionAttribute(name, "")
{
    public override string Summary => OptionRules.AnyOf(TuningMethods.Names);

    public override IReadOnlyList<string> Allowed => TuningMethods.Names;
}

/// <summary>An option whose values are the starts of all methods.</summary>
internal sealed class StartOptionAttribute(string name, string summary) : OptionAttribute(name, summary)
{
    public override IReadOnlyList<string> Allowed => [.. TuningMethods.All.SelectMany(m => m.Starts).Distinct()];
}

/// <summary>An option whose values are the schemes of all methods.</summary>
internal sealed class SchemeOptionAttribute(string name, string summary) : OptionAttribute(name, summary)
{
    public override IReadOnlyList<string> Allowed => [.. QuantizationScheme.All.Select(s => s.Name).Where(n => n != QuantizationScheme.GptqName), .. TuningMethods.All.SelectMany(m => m.OwnSchemes).Distinct(), QuantizationScheme.GptqName];
}
