using Vernier.Tokens;

namespace Vernier.Evaluation;

/// <summary>lm-evaluation-harness' token rule for "how likely is this continuation after this context".</summary>
internal static class ContinuationEncoding
{
    /// <summary>The ids of context and continuation, of which the continuation's are scored.</summary>
    /// <remarks>An empty context is one BOS, or EOS where there is none. Else the context's trailing white space moves to the continuation,
    /// both together are encoded, and what goes beyond the length of the context's own ids is the continuation, even where
    /// those ids are no prefix of the whole.</remarks>
    /// <exception cref="ArgumentException">The continuation has no token of its own (it is empty, or a merge swallowed the boundary),
    /// or the context is empty and the tokenizer has neither BOS nor EOS.</exception>
    public static ScoringRequest Encode(ITokenizer tokenizer, string context, string continuation)
    {
        if (context.Length == 0)
        {
            var start = StartId(tokenizer);
            var alone = tokenizer.Encode(continuation);
            return Checked(alone.Length > 0 && alone[0] == start ? alone : [start, .. alone], 1);
        }
        var trimmed = PythonText.StripEnd(context);
        var whole = EncodeText(tokenizer, context + continuation);
        var head = EncodeText(tokenizer, trimmed);
        if (head.Length == 0) // a context of white space only: nothing is left to condition on
            return Checked([StartId(tokenizer), .. whole], 1);
        var tail = whole.Length > head.Length ? whole[head.Length..] : [];
        return Checked([.. head, .. tail], head.Length);
    }

    /// <summary>Keeps the last <paramref name="contextLength"/> + 1 ids, so that the model reads no more than it was made for.</summary>
    /// <exception cref="ArgumentException">The scored tokens alone are too many.</exception>
    public static ScoringRequest CutLeft(ScoringRequest request, int contextLength)
    {
        var cut = request.Ids.Length - (contextLength + 1);
        if (cut <= 0)
            return request;
        if (cut >= request.From)
            throw new ArgumentException($"{request.Scored} tokens to score do not fit a context of {contextLength}");
        return new ScoringRequest(request.Ids[cut..], request.From - cut);
    }

    /// <summary>The id that stands for "nothing before": BOS, or EOS where there is none.</summary>
    internal static int StartId(ITokenizer tokenizer) =>
        tokenizer.BosId ?? tokenizer.EosId ?? throw new ArgumentException("an empty context needs a BOS or EOS token, and the tokenizer has neither");

    /// <summary>The ids of a text, with BOS in front where the model wants it and the text does not bring it along.</summary>
    internal static int[] EncodeText(ITokenizer tokenizer, string text)
    {
        var ids = tokenizer.Encode(text);
        return tokenizer is { AddsBos: true, BosId: { } bos } && (ids.Length == 0 || ids[0] != bos) ? [bos, .. ids] : ids;
    }

    private static ScoringRequest Checked(int[] ids, int from) =>
        from < ids.Length ? new ScoringRequest(ids, from) : throw new ArgumentException("the continuation has no token of its own after this context");
}
