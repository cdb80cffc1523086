using System.Text.RegularExpressions;

namespace Vernier.Tuning;

/// <summary>Which linears get low-rank factors.</summary>
internal static class LinearTargets
{
    private static readonly string[] QueryValue = ["q_proj", "v_proj"];
    private static readonly string[] Attention = ["q_proj", "k_proj", "v_proj", "o_proj", "out_proj", "dense"];
    private const string ConvolutionOutput = ".attn.c_proj"; // GPT-2's feed-forward part has a c_proj too

    /// <summary>A test of module paths. A regular expression must match anywhere in the path; it gets a tenth of a second.</summary>
    /// <param name="targets">qv, qkvo, all or a regular expression.</param>
    /// <param name="option">Its name for messages.</param>
    /// <exception cref="ArgumentException">Not a regular expression.</exception>
    public static Func<string, bool> Parse(string targets, string option = "targets")
    {
        switch (targets)
        {
            case "all":
                return _ => true;
            case "qv":
                return module => QueryValue.Contains(Leaf(module));
            case "qkvo":
                return module => Attention.Contains(Leaf(module)) || module.EndsWith(ConvolutionOutput, StringComparison.Ordinal);
            default:
                var pattern = Compile(targets, option);
                return module => pattern.IsMatch(module);
        }
    }

    /// <summary>A test of module paths by an expression.</summary>
    /// <param name="otherwise">What it says where there is none, but one of the names for sets of linears with low-rank factors.</param>
    /// <inheritdoc cref="Parse"/>
    public static Func<string, bool> ParseExpression(string? targets, bool otherwise) => targets is null or "all" or "qv" or "qkvo" ? _ => otherwise : Parse(targets);

    private static Regex Compile(string pattern, string option)
    {
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(0.1));
        }
        catch (ArgumentException e)
        {
            throw new ArgumentException($"{option} is '{pattern}', expected qv, qkvo, all or a regular expression: {e.Message}");
        }
    }

    private static string Leaf(string module) => module[(module.LastIndexOf('.') + 1)..];
}
