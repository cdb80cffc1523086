namespace Vernier.Quantization;

/// <summary>The names under which the command line knows the quantizers.</summary>
internal static class QuantizationScheme
{
    /// <summary>Needs calibration data: see GPTQ.</summary>
    public const string GptqName = "gptq";

    /// <summary>Every name, with what it does in a line.</summary>
    public static IReadOnlyList<(string Name, string Summary)> All { get; } =
    [
        ("rtn", "round to nearest on an asymmetric min-max grid"),
        ("rtn-sym", "round to nearest on a symmetric grid"),
        ("mse", "round to nearest after a search for the best clipping range"),
        (GptqName, "column by column, each error corrected in the columns to come, by the second moments of calibration inputs"),
    ];

    /// <summary>The grid of a scheme that needs no data.</summary>
    /// <exception cref="ArgumentException">Unknown name, or a scheme that needs calibration data.</exception>
    public static GridKind Grid(string scheme) => scheme switch
    {
        "rtn" => GridKind.MinMax,
        "rtn-sym" => GridKind.Symmetric,
        "mse" => GridKind.ClipSearch,
        GptqName => throw new ArgumentException("the scheme gptq needs calibration data: quantize the model with it first, then tune the result", nameof(scheme)),
        _ => throw new ArgumentException($"unknown scheme '{scheme}'; known: {string.Join(", ", All.Select(s => s.Name))}", nameof(scheme)),
    };
}
