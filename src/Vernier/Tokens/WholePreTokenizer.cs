using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>Leaves a text in one piece.</summary>
internal sealed class WholePreTokenizer : PreTokenizer
{
    public override void Split(ReadOnlySpan<char> text, int offset, List<int> ends, WorkLimit work) => ends.Add(offset + text.Length);
}
