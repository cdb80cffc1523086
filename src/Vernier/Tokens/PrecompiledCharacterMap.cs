using System.Buffers.Binary;
using System.Text;

namespace Vernier.Tokens;

/// <summary>
/// SentencePiece's compiled rules of normalization: (1) the size of the trie in bytes, uint32; (2) the trie, a Darts double
/// array of uint32 units; (3) the replacements, each ended by a zero byte. A value of the trie is the offset of a replacement.
/// </summary>
internal sealed class PrecompiledCharacterMap
{
    private readonly uint[] _units;
    private readonly byte[] _replacements;

    /// <param name="source">The file, for messages.</param>
    /// <exception cref="InvalidDataException">The map is cut off.</exception>
    public PrecompiledCharacterMap(ReadOnlySpan<byte> map, string source)
    {
        var size = map.Length >= 4 ? BinaryPrimitives.ReadUInt32LittleEndian(map) : uint.MaxValue;
        if (size == 0 || size % 4 != 0 || size > map.Length - 4)
            throw new InvalidDataException($"{source}: the map of characters has {map.Length} bytes and a trie of {size}, expected a trie within it");
        _units = new uint[size / 4];
        for (var i = 0; i < _units.Length; i++)
            _units[i] = BinaryPrimitives.ReadUInt32LittleEndian(map[(4 + 4 * i)..]);
        _replacements = map[(4 + (int)size)..].ToArray();
    }

    /// <summary>As SentencePiece does it: the longest rule that fits at each place.</summary>
    public string ByLongestRule(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var result = new List<byte>(bytes.Length);
        for (var at = 0; at < bytes.Length;)
        {
            var (length, value) = Search(bytes.AsSpan(at), takesFirst: false);
            if (length > 0)
            {
                result.AddRange(Replacement(value));
                at += length;
                continue;
            }
            Rune.DecodeFromUtf8(bytes.AsSpan(at), out _, out var width);
            result.AddRange(bytes.AsSpan(at, width));
            at += width;
        }
        return Encoding.UTF8.GetString([.. result]);
    }

    /// <summary>As Hugging Face does it: a user-perceived character of less than six bytes as a whole by the shortest rule that
    /// fits at its beginning, else each of its characters.</summary>
    public string ByGrapheme(string text)
    {
        var result = new StringBuilder(text.Length);
        for (var at = 0; at < text.Length;)
        {
            var length = System.Globalization.StringInfo.GetNextTextElementLength(text, at);
            var element = text.AsSpan(at, length);
            at += length;
            if (Encoding.UTF8.GetByteCount(element) < 6 && Replace(element) is { } whole)
            {
                result.Append(whole);
                continue;
            }
            foreach (var rune in element.EnumerateRunes())
                result.Append(Replace(rune.ToString()) ?? rune.ToString());
        }
        return result.ToString();
    }

    private string? Replace(ReadOnlySpan<char> text)
    {
        Span<byte> bytes = stackalloc byte[16];
        var (length, value) = Search(bytes[..Encoding.UTF8.GetBytes(text, bytes)], takesFirst: true);
        return length == 0 ? null : Encoding.UTF8.GetString(Replacement(value));
    }

    private (int Length, int Value) Search(ReadOnlySpan<byte> bytes, bool takesFirst)
    {
        var found = (Length: 0, Value: 0);
        var at = Offset(_units[0]);
        for (var i = 0; i < bytes.Length && bytes[i] != 0; i++)
        {
            at ^= bytes[i];
            if (at >= _units.Length || (_units[at] & 0x800000FF) != bytes[i])
                break;
            var unit = _units[at];
            at ^= Offset(unit);
            if ((unit >> 8 & 1) == 0 || at >= _units.Length)
                continue;
            found = (i + 1, (int)(_units[at] & 0x7FFFFFFF));
            if (takesFirst)
                break;
        }
        return found;
    }

    private static uint Offset(uint unit) => (unit >> 10) << (int)((unit & (1 << 9)) >> 6);

    private ReadOnlySpan<byte> Replacement(int start)
    {
        if (start >= _replacements.Length)
            return [];
        var rest = _replacements.AsSpan(start);
        var end = rest.IndexOf((byte)0);
        return end < 0 ? rest : rest[..end];
    }
}
