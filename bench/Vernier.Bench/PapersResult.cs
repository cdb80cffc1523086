namespace Vernier.Bench;

/// <summary>What one run came to.</summary>
/// <param name="Bytes">Of the exported file.</param>
/// <param name="Perplexity">Of the exported file.</param>
internal sealed record PapersResult(string Name, float Rate, int Steps, int Windows, long Trained, long Bytes, double Perplexity, double Seconds);
