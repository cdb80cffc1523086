using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>Cuts a text into the pieces within which BPE merges.</summary>
internal abstract class PreTokenizer
{
    /// <summary>
    /// Appends the ends of the pieces of a text, counted from <paramref name="offset"/>. A stretch that belongs to no piece
    /// and is dropped has the complement (~) of its end.
    /// </summary>
    /// <param name="work">What the whole call may do.</param>
    public abstract void Split(ReadOnlySpan<char> text, int offset, List<int> ends, WorkLimit work);
}

/// <summary>A pre-tokenizer that reads from left to right and needs to know nothing of the text before.</summary>
internal abstract class ScanningPreTokenizer : PreTokenizer
{
    public sealed override void Split(ReadOnlySpan<char> text, int offset, List<int> ends, WorkLimit work)
    {
        work.Charge(text.Length);
        for (var at = 0; at < text.Length; ends.Add(offset + at))
            at += FirstEnd(text[at..]);
    }

    /// <summary>The end of the first piece of a text, which is never empty.</summary>
    protected abstract int FirstEnd(ReadOnlySpan<char> text);
}
