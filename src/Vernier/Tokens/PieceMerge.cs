namespace Vernier.Tokens;

/// <summary>A merge of a BPE vocabulary, by ids.</summary>
/// <param name="Left">The first piece.</param>
/// <param name="Right">The piece behind it.</param>
/// <param name="Merged">The piece that they become.</param>
internal readonly record struct PieceMerge(int Left, int Right, int Merged);
