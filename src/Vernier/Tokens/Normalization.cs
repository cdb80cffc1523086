using System.Globalization;
using System.Text;
using Vernier.Tokens.Patterns;
using Vernier.Tokens.Unicode;

namespace Vernier.Tokens;

/// <summary>The rules that change text before it is cut into pieces, in order, as Hugging Face's tokenizer.json names them.</summary>
internal sealed record Normalization(params IReadOnlyList<Normalization.Rule> Rules)
{
    /// <summary>No text becomes longer than this many times its length, and some more: rules come from strangers.</summary>
    private const int MostGrowth = 64;
    private const int FreeGrowth = 1 << 20;

    /// <summary>One change.</summary>
    public abstract record Rule
    {
        internal abstract string Apply(string text, WorkLimit work);
    }

    /// <summary>To one of Unicode's normal forms.</summary>
    public sealed record Form(NormalForm Kind) : Rule
    {
        internal override string Apply(string text, WorkLimit work) => UnicodeNormalizer.Normalize(text, Kind);
    }

    /// <summary>To lower case, character by character.</summary>
    public sealed record LowerCase : Rule
    {
        internal override string Apply(string text, WorkLimit work)
        {
            var result = new StringBuilder(text.Length);
            foreach (var rune in text.EnumerateRunes())
                if (rune.Value == 0x130)
                    result.Append("i\u0307"); // the one character whose lower case has two
                else
                    result.Append(Rune.ToLowerInvariant(rune));
            return result.ToString();
        }
    }

    /// <summary>Puts a text in front.</summary>
    public sealed record Prepend(string Text) : Rule
    {
        internal override string Apply(string text, WorkLimit work) => Text + text;
    }

    /// <summary>Writes a text in place of every match.</summary>
    /// <param name="IsLiteral">The pattern is a text as it is.</param>
    public sealed record Replace(string Pattern, bool IsLiteral, string Content) : Rule
    {
        private readonly Lazy<Pattern?> _pattern = new(() => IsLiteral ? null : new Pattern(Pattern));

        internal override string Apply(string text, WorkLimit work)
        {
            if (IsLiteral)
            {
                work.Charge((long)text.AsSpan().Count(Pattern) * Content.Length);
                return text.Replace(Pattern, Content, StringComparison.Ordinal);
            }
            var matches = new List<(int Start, int End)>();
            _pattern.Value!.FindAll(text, matches, work);
            if (matches.Count == 0)
                return text;
            var result = new StringBuilder(text.Length);
            var done = 0;
            foreach (var (start, end) in matches)
            {
                work.Charge(Content.Length);
                result.Append(text, done, start - done).Append(Content);
                done = end;
            }
            return result.Append(text, done, text.Length - done).ToString();
        }

        /// <exception cref="NotSupportedException">The pattern is not understood.</exception>
        internal Replace Checked()
        {
            _ = _pattern.Value;
            return Pattern.Length > 0 ? this : throw new NotSupportedException("a replacement of the empty text is not done here");
        }
    }

    /// <summary>Drops white space at the ends.</summary>
    public sealed record Strip(bool Left, bool Right) : Rule
    {
        internal override string Apply(string text, WorkLimit work) => (Left, Right) switch
        {
            (true, true) => text.Trim(),
            (true, false) => text.TrimStart(),
            (false, true) => text.TrimEnd(),
            _ => text,
        };
    }

    /// <summary>Drops combining marks.</summary>
    public sealed record StripAccents : Rule
    {
        internal override string Apply(string text, WorkLimit work) => Map(
            text, rune => Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark ? -1 : rune.Value);
    }

    /// <summary>SentencePiece's rules for machine translation: control characters go, spaces of all kinds become one kind.</summary>
    public sealed record Nmt : Rule
    {
        internal override string Apply(string text, WorkLimit work) => Map(text, rune => rune.Value switch
        {
            (>= 1 and <= 8) or 0xB or (>= 0xE and <= 0x1F) or 0x7F or 0x8F or 0x9F => -1,
            9 or 0xA or 0xC or 0xD or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD => ' ',
            var other => other,
        });
    }

    /// <summary>By SentencePiece's compiled rules.</summary>
    internal sealed record Precompiled(PrecompiledCharacterMap Map, bool IsSentencePiece = false) : Rule
    {
        internal override string Apply(string text, WorkLimit work) => IsSentencePiece ? Map.ByLongestRule(text) : Map.ByGrapheme(text);
    }

    /// <summary>To the characters that spell the text's UTF-8 bytes.</summary>
    public sealed record ByteLevel : Rule
    {
        internal override string Apply(string text, WorkLimit work) => ByteAlphabet.Spell(text);
    }

    /// <summary>Changes nothing.</summary>
    public static Normalization None { get; } = new();

    /// <summary>The composed normal form, and nothing else.</summary>
    public static Normalization Nfc { get; } = new(new Form(NormalForm.C));

    internal bool IsNone => Rules.Count == 0;

    internal bool IsNfc => Rules is [Form { Kind: NormalForm.C }];

    /// <exception cref="InvalidDataException">The text grows beyond measure.</exception>
    internal string Apply(string text, WorkLimit work)
    {
        var most = (long)MostGrowth * text.Length + FreeGrowth;
        foreach (var rule in Rules)
        {
            if (text.Length == 0)
                break;
            work.Charge(text.Length);
            text = rule.Apply(text, work);
            if (text.Length > most)
                throw new InvalidDataException($"the tokenizer's normalizer makes more than {most} characters of the text");
        }
        return text;
    }

    private static string Map(string text, Func<Rune, int> map)
    {
        var result = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())
            if (map(rune) is >= 0 and var mapped)
                result.Append(new Rune(mapped));
        return result.ToString();
    }
}
