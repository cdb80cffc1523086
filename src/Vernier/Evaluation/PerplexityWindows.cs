namespace Vernier.Evaluation;

/// <summary>Cuts token streams into the windows of each convention.</summary>
internal static class PerplexityWindows
{
    /// <summary>Windows [c i, c (i + 1)) side by side, the rest dropped; all but the first token are scored. A text shorter than a window is one window.</summary>
    public static IEnumerable<ScoringRequest> Gptq(int[] ids, int context)
    {
        if (ids.Length < context)
            yield return new ScoringRequest(ids, 1);
        for (var start = 0; start + context <= ids.Length; start += context)
            yield return new ScoringRequest(ids[start..(start + context)], 1);
    }

    /// <summary>Windows side by side of which the tokens from the middle on are scored: targets context/2 + 1 .. context - 1.</summary>
    /// <param name="bos">Replaces the first token of each window where the vocabulary wants BOS; null = none.</param>
    public static IEnumerable<ScoringRequest> LlamaCpp(int[] ids, int context, int? bos)
    {
        for (var start = 0; start + context <= ids.Length; start += context)
        {
            var window = ids[start..(start + context)];
            window[0] = bos ?? window[0];
            yield return new ScoringRequest(window, context / 2 + 1);
        }
    }

    /// <summary>Windows that advance by <paramref name="stride"/>; each scores the tokens that none before it had, but never its first.</summary>
    public static IEnumerable<ScoringRequest> Strided(int[] ids, int context, int stride)
    {
        var previousEnd = 0;
        for (var begin = 0; previousEnd < ids.Length; begin += stride)
        {
            var end = Math.Min(begin + context, ids.Length);
            yield return new ScoringRequest(ids[begin..end], Math.Max(previousEnd - begin, 1));
            previousEnd = end;
        }
    }

    /// <summary>lm-evaluation-harness' rolling windows of one document: every token is scored once, the first after <paramref name="start"/>;
    /// a last, shorter window sees as much before it as fits.</summary>
    /// <param name="context">Tokens that the model reads at once.</param>
    public static IEnumerable<ScoringRequest> Rolling(int[] ids, int context, int start)
    {
        if (ids.Length == 0)
            yield break;
        var end = Math.Min(context, ids.Length);
        yield return new ScoringRequest([start, .. ids[..end]], 1);
        while (end < ids.Length)
        {
            var scored = Math.Min(context, ids.Length - end);
            end += scored;
            var window = ids[(end - context - 1)..end];
            yield return new ScoringRequest(window, window.Length - scored);
        }
    }
}
