using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Vernier.Drills;

/// <summary>Damages bytes, and texts in ways that keep more of their form.</summary>
internal sealed partial class Mutator(Random random)
{
    private static readonly string[] s_numbers = ["0", "-1", "1e999", "NaN", "2147483647", "2147483648", "-2147483649", "9223372036854775808", "1e308", "0.5", "99999999999999999999999999", "\"7\"", "null", "true", "[]", "{}"];
    private static readonly char[] s_brackets = ['[', '{', '(', ']', '}', '"', '\\', '<', '-', '\0', '\uFEFF', '\uD800', '\u001b', '%', '&', '*', '!', '|', '\n'];

    public byte[] Bytes(byte[] good)
    {
        var bad = (byte[])good.Clone();
        for (var times = 1 + random.Next(4); times > 0 && bad.Length > 0; times--)
            bad = random.Next(8) switch
            {
                0 => bad[..random.Next(bad.Length + 1)],
                1 => Splice(bad, bad[random.Next(bad.Length)..]),
                2 => Splice(bad, Enumerable.Repeat((byte)random.Next(256), random.Next(64)).ToArray()),
                3 => Number(bad),
                _ => Flip(bad),
            };
        return bad;
    }

    public byte[] Text(byte[] good)
    {
        if (random.Next(4) == 0)
            return Bytes(good);
        var text = Encoding.UTF8.GetString(good);
        for (var times = 1 + random.Next(3); times > 0 && text.Length > 0; times--)
            text = random.Next(6) switch
            {
                0 => Replace(text, Digits(), s_numbers[random.Next(s_numbers.Length)]),
                1 => Replace(text, Words(), Words().Matches(text) is { Count: > 0 } words ? words[random.Next(words.Count)].Value : ""),
                2 => text.Insert(random.Next(text.Length), new string(s_brackets[random.Next(s_brackets.Length)], random.Next(10) == 0 ? random.Next(200_000) : 1 + random.Next(3))),
                3 => text.Remove(random.Next(text.Length), 1),
                4 => Replace(text, Lines(), Lines().Matches(text) is { Count: > 0 } lines ? lines[random.Next(lines.Count)].Value : ""),
                _ => Replace(text, Words(), ""),
            };
        return Encoding.UTF8.GetBytes(text);
    }

    private byte[] Flip(byte[] bad)
    {
        // Lengths and offsets are at the front.
        bad[random.Next(random.Next(2) == 0 ? Math.Min(bad.Length, 4096) : bad.Length)] ^= (byte)(1 << random.Next(8));
        return bad;
    }

    private byte[] Number(byte[] bad)
    {
        var value = random.Next(4) switch { 0 => ulong.MaxValue, 1 => (ulong)int.MaxValue, 2 => (ulong)long.MaxValue, _ => (ulong)random.Next() };
        BitConverter.TryWriteBytes(bad.AsSpan(random.Next(bad.Length)), random.Next(2) == 0 ? value : (uint)value);
        return bad;
    }

    private byte[] Splice(byte[] bad, byte[] part)
    {
        var at = random.Next(bad.Length);
        return [.. bad[..at], .. part[..Math.Min(part.Length, 1 << 16)], .. bad[at..]];
    }

    private string Replace(string text, Regex what, string with)
    {
        var found = what.Matches(text);
        if (found.Count == 0)
            return text;
        var match = found[random.Next(found.Count)];
        return string.Create(CultureInfo.InvariantCulture, $"{text[..match.Index]}{with}{text[(match.Index + match.Length)..]}");
    }

    [GeneratedRegex(@"-?\d+(\.\d+)?")]
    private static partial Regex Digits();

    [GeneratedRegex(@"\w+")]
    private static partial Regex Words();

    [GeneratedRegex(@"[^\n]*\n")]
    private static partial Regex Lines();
}
