using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>Each pre-tokenizer cuts the pieces of the one before, and sees no more than that piece.</summary>
internal sealed class SequencePreTokenizer(PreTokenizer first, PreTokenizer second) : PreTokenizer
{
    public static PreTokenizer Of(IEnumerable<PreTokenizer> stages) =>
        stages.Aggregate((first, second) => new SequencePreTokenizer(first, second));

    public override void Split(ReadOnlySpan<char> text, int offset, List<int> ends, WorkLimit work)
    {
        var coarse = new List<int>();
        first.Split(text, 0, coarse, work);
        var start = 0;
        foreach (var end in coarse)
            if (end < 0)
            {
                start = ~end;
                ends.Add(~(offset + start));
            }
            else
            {
                second.Split(text[start..end], offset + start, ends, work);
                start = end;
            }
    }
}
