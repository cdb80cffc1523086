namespace Vernier.Calibration;

/// <summary>What <c>imatrix</c> tells. Property names in snake_case are the fields of the JSON result.</summary>
/// <param name="Path">The file.</param>
/// <param name="Bytes">Of the file.</param>
/// <param name="Tensors">Tensors that it tells of.</param>
/// <param name="Chunks">Pieces of text that the model read.</param>
/// <param name="ChunkSize">Tokens of a piece.</param>
/// <param name="Seconds">Of reading, without loading.</param>
internal sealed record ImportanceResult(string Path, long Bytes, int Tensors, long Chunks, long ChunkSize, double Seconds);
