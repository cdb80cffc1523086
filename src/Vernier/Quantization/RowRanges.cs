using System.Runtime.ExceptionServices;

namespace Vernier.Quantization;

/// <summary>Work on the rows of a large matrix while a model is loaded or saved, split over the processors.</summary>
internal static class RowRanges
{
    private const int LeastElements = 1 << 16;

    /// <summary>Calls <paramref name="body"/> with ranges [from, to) that cover all rows. When it fails, one of the failures is rethrown.</summary>
    public static void ForEach(int rows, int columns, Action<int, int> body)
    {
        var parts = (int)Math.Clamp((long)rows * columns / LeastElements, 1, Environment.ProcessorCount);
        if (parts == 1)
        {
            body(0, rows);
            return;
        }
        // Tasks rather than Parallel.For: a program that loads a model and makes one token would spend longer on starting that up.
        var others = new Task[parts - 1];
        for (var i = 0; i < others.Length; i++)
        {
            var part = i + 1;
            others[i] = Task.Run(() => body(From(part), From(part + 1)));
        }
        ExceptionDispatchInfo? failure = null;
        try
        {
            body(0, From(1));
        }
        catch (Exception e)
        {
            failure = ExceptionDispatchInfo.Capture(e);
        }
        foreach (var other in others)
            try
            {
                other.GetAwaiter().GetResult();
            }
            catch (Exception e)
            {
                failure ??= ExceptionDispatchInfo.Capture(e);
            }
        failure?.Throw();

        int From(int part) => (int)((long)rows * part / parts);
    }
}
