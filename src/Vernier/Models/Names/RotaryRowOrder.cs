namespace Vernier.Models;

/// <summary>How the rows of q and k lie in a GGUF file of architecture "llama": interleaved for rotary pairs (2j, 2j + 1), where
/// Hugging Face has halves (j, j + d/2). File row h·d + 2j + c is Hugging Face row h·d + c·d/2 + j.</summary>
/// <param name="HeadDim">Rows of a head; 0 = both orders are the same.</param>
internal readonly record struct RotaryRowOrder(int HeadDim)
{
    /// <summary>The file's row that holds a Hugging Face row.</summary>
    public int FileRow(int row)
    {
        if (HeadDim == 0)
            return row;
        var (head, inside) = (row / HeadDim, row % HeadDim);
        var half = HeadDim / 2;
        return head * HeadDim + 2 * (inside % half) + inside / half;
    }

    /// <summary>The Hugging Face rows in the order of the file.</summary>
    public IEnumerable<int> ModelRows(int rows)
    {
        for (var fileRow = 0; fileRow < rows; fileRow++)
            yield return ModelRow(fileRow);
    }

    private int ModelRow(int fileRow)
    {
        if (HeadDim == 0)
            return fileRow;
        var (head, inside) = (fileRow / HeadDim, fileRow % HeadDim);
        return head * HeadDim + inside % 2 * (HeadDim / 2) + inside / 2;
    }
}
