using System.Text;

namespace Vernier.Tokens;

/// <summary>
/// Turns ids into text one at a time: gives every character as soon as it is complete, holds an unfinished UTF-8
/// sequence back, and gives U+FFFD for each maximal ill-formed part (Unicode 16, section 3.9, and WHATWG).
/// </summary>
/// <param name="tokenizer">Whose ids they are.</param>
/// <param name="continues">The ids go on after other text, so a leading space is part of them.</param>
internal sealed class StreamingDecoder(ITokenizer tokenizer, bool continues = false)
{
    private readonly System.Text.Decoder _utf8 = Encoding.UTF8.GetDecoder();
    private bool _atStart = tokenizer.DropsLeadingSpace && !continues;

    /// <summary>The text that this id completes; often empty.</summary>
    public string Add(int id)
    {
        ReadOnlySpan<byte> bytes = tokenizer.TokenBytes(id);
        if (_atStart && bytes.Length > 0)
        {
            _atStart = false;
            // The mark for unknown text has spaces of its own around it.
            if (bytes[0] == ' ' && id != tokenizer.UnknownId)
                bytes = bytes[1..];
        }
        return Decode(bytes, flush: false);
    }

    /// <summary>What is left at the end: U+FFFD for a sequence that was cut, else nothing. The decoder is as new afterwards.</summary>
    public string Finish()
    {
        _atStart = tokenizer.DropsLeadingSpace && !continues;
        return Decode([], flush: true);
    }

    internal static string DecodeAll(ITokenizer tokenizer, IEnumerable<int> ids)
    {
        var decoder = new StreamingDecoder(tokenizer);
        var text = new StringBuilder();
        foreach (var id in ids)
            text.Append(decoder.Add(id));
        return text.Append(decoder.Finish()).ToString();
    }

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        Span<char> small = stackalloc char[256];
        var most = Encoding.UTF8.GetMaxCharCount(bytes.Length);
        var chars = most <= small.Length ? small : new char[most];
        return new string(chars[.._utf8.GetChars(bytes, chars, flush)]);
    }
}
