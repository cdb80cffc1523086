namespace Vernier.Adapters;

/// <summary>The codes that an adapter is bound to.</summary>
internal static class TunedCodes
{
    /// <summary>Their SHA-256; null where the model holds no codes.</summary>
    public static string? Sha256(LanguageModel model) => model.CodesSha256();
}
