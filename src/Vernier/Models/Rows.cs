using System.Runtime.ExceptionServices;

namespace Vernier.Models;

/// <summary>Work on the rows of a large matrix while a model is loaded or saved, split over the processors.</summary>
internal static class Rows
{
    private const int LeastElements = 1 << 16;

    /// <summary>Calls <paramref name="body"/> with ranges [from, to) that cover all rows. When it fails, one of the failures is rethrown.</summary>
    public static void ForEachRange(int rows, int columns, Action<int, int> body)
    {
        var parts = (int)Math.Clamp((long)rows * columns / LeastElements, 1, Environment.ProcessorCount);
        if (parts == 1)
        {
            body(0, rows);
            return;
        }
        try
        {
            Parallel.For(0, parts, part => body((int)((long)rows * part / parts), (int)((long)rows * (part + 1) / parts)));
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }
}
