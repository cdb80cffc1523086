namespace Vernier.Models;

/// <summary>A tensor of the decoder in a stored one.</summary>
/// <param name="Name">The decoder's tensor.</param>
/// <param name="Stored">The stored tensor.</param>
/// <param name="Rows">Rows of the decoder's; 0 where it is stored alone.</param>
/// <param name="StoredRows">Rows of the stored tensor; 0 where it holds nothing else.</param>
/// <param name="Order">Where each row lies in it.</param>
/// <param name="Offset">What the stored values have in addition: GGUF has Gemma's norms as they are multiplied by.</param>
/// <param name="IsTransposed">The stored tensor is [in, out]: what is said of its rows is true of its columns.</param>
/// <param name="Stack">Matrices that the stored tensor has as a third dimension; 0 = it has two at most.</param>
internal sealed record StoredPart(string Name, string Stored, int Rows, int StoredRows, RotaryRowOrder Order, float Offset = 0, int Stack = 0, bool IsTransposed = false)
{
    /// <summary>Sizes of the stored tensor, the fastest dimension first.</summary>
    public IReadOnlyList<long> Dimensions(long columns, long rows) => Stack == 0 ? [columns, rows] : [columns, rows / Stack, Stack];

    /// <summary>Other tensors lie in the stored one too.</summary>
    public bool IsFused => StoredRows > 0;
}
