namespace Vernier.Models;

/// <summary>Where the rows of a linear lie in a stored tensor. In GGUF files of some architectures the rows of q and k are interleaved for rotary pairs (2j, 2j + 1),
/// where Hugging Face has halves (j, j + d/2): file row h·d + 2j + c is Hugging Face row h·d + c·d/2 + j. Where several linears are stored as one tensor, each has
/// runs of rows in it.</summary>
/// <param name="HeadDim">Rows of a head; 0 = they are not interleaved.</param>
/// <param name="Start">The file's row that holds the first.</param>
/// <param name="Run">Rows that lie together; 0 = all.</param>
/// <param name="Stride">From the first row of a run to that of the next.</param>
internal readonly record struct RotaryRowOrder(int HeadDim, int Start = 0, int Run = 0, int Stride = 0)
{
    /// <summary>The file's row that holds a Hugging Face row.</summary>
    public int FileRow(int row)
    {
        if (HeadDim != 0)
        {
            var (head, inside) = (row / HeadDim, row % HeadDim);
            var half = HeadDim / 2;
            row = head * HeadDim + 2 * (inside % half) + inside / half;
        }
        return Start + (Run == 0 ? row : row / Run * Stride + row % Run);
    }

    /// <summary>The Hugging Face rows in the order of the file, of a linear that is stored alone.</summary>
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
