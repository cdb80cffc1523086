using System.Text;

namespace Vernier.Tokens;

/// <summary>How a piece's text becomes the bytes that it stands for: the rules of a tokenizer.json's decoder, piece by piece.</summary>
internal sealed record PieceSpelling(IReadOnlyList<PieceSpelling.Rule> Rules)
{
    public abstract record Rule;

    /// <summary>Pieces are spelled by the characters of their bytes.</summary>
    public sealed record ByteLevel : Rule;

    /// <summary><c>&lt;0xNN&gt;</c> is a byte.</summary>
    public sealed record Bytes : Rule;

    public sealed record Replace(string Pattern, string Content) : Rule;

    /// <summary>Drops up to this many of a character at the ends of each piece.</summary>
    public sealed record Strip(char Character, int Start, int Stop) : Rule;

    /// <summary>A space that encoding put in front of the text is dropped from it.</summary>
    public bool DropsLeadingSpace { get; init; }

    public bool IsByteLevel => Rules.Any(rule => rule is ByteLevel);

    public byte[] Spell(string piece)
    {
        foreach (var rule in Rules)
            switch (rule)
            {
                case ByteLevel: return ByteAlphabet.BytesOf(piece);
                case Bytes when SentencePieceTokenizer.ByteOf(piece) is { } value: return [value];
                case Replace replace: piece = piece.Replace(replace.Pattern, replace.Content, StringComparison.Ordinal); break;
                case Strip strip: piece = Stripped(piece, strip); break;
            }
        return Encoding.UTF8.GetBytes(piece);
    }

    private static string Stripped(string piece, Strip rule)
    {
        var (start, end) = (0, piece.Length);
        while (start < end && start < rule.Start && piece[start] == rule.Character)
            start++;
        while (end > start && piece.Length - end < rule.Stop && piece[end - 1] == rule.Character)
            end--;
        return piece[start..end];
    }
}
