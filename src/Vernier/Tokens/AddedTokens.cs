using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>
/// Cuts the tokens that are found as a whole out of a text, in Hugging Face's order: first those that are found in the text
/// as it is; what lies between is normalized; then those that are found in normalized text.
/// </summary>
internal sealed class AddedTokens
{
    private readonly SpecialTokenFinder _plain;
    private readonly SpecialTokenFinder _normalized;
    private readonly Normalization _normalization;

    public AddedTokens(IReadOnlyList<SpecialToken> tokens, Normalization normalization, string source)
    {
        _normalization = normalization;
        _plain = new SpecialTokenFinder(tokens.Where(token => !token.IsNormalized));
        _normalized = new SpecialTokenFinder(tokens.Where(token => token.IsNormalized)
            .Select(token => token with { Content = normalization.Apply(token.Content, new WorkLimit(source, token.Content.Length)) }));
    }

    /// <summary>The stretches of a text in order; none is empty.</summary>
    public List<TextStretch> Split(string text, bool parseSpecial, WorkLimit work)
    {
        var stretches = new List<TextStretch>();
        var at = 0;
        while (!_plain.IsEmpty && _plain.TryFind(text, at, parseSpecial, out var start, out var end, out var id))
        {
            AddText(text.AsMemory(at, start - at), at == 0);
            stretches.Add(new TextStretch(default, id, false));
            at = end;
        }
        AddText(text.AsMemory(at), at == 0);
        return stretches;

        void AddText(ReadOnlyMemory<char> raw, bool isFirst)
        {
            if (raw.IsEmpty)
                return;
            if (!_normalization.IsNone)
                raw = _normalization.Apply(raw.ToString(), work).AsMemory();
            var from = 0;
            while (!_normalized.IsEmpty && _normalized.TryFind(raw.Span, from, parseSpecial, out var start, out var end, out var id))
            {
                if (start > from)
                    stretches.Add(new TextStretch(raw[from..start], -1, isFirst && from == 0));
                stretches.Add(new TextStretch(default, id, false));
                from = end;
            }
            if (from < raw.Length)
                stretches.Add(new TextStretch(raw[from..], -1, isFirst && from == 0));
        }
    }
}
