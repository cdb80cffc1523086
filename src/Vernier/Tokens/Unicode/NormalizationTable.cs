using System.Globalization;

namespace Vernier.Tokens.Unicode;

/// <summary>Decompositions, compositions and combining classes of the characters up to Unicode 11 (see <c>lab/unicode-tables.py</c>); Hangul syllables are worked out.</summary>
internal sealed class NormalizationTable
{
    private readonly Dictionary<int, int[]> _canonical = [];
    private readonly Dictionary<int, int[]> _compatible = [];
    private readonly Dictionary<long, int> _pairs = [];
    private readonly Dictionary<int, byte> _classes = [];
    private readonly byte[]?[] _traits = new byte[0x1100][];

    private NormalizationTable()
    {
        foreach (var line in UnicodeResource.Lines("Normalization.txt"))
            Read(line.Split(' '));
        foreach (var character in _classes.Keys)
            Mark(character, NormalForm.C, NormalForm.D, NormalForm.KC, NormalForm.KD);
        foreach (var character in _canonical.Keys)
            Mark(character, NormalForm.D, NormalForm.KD);
        foreach (var character in _canonical.Keys)
            if (HoldsCompatible(character))
                Mark(character, NormalForm.KC);
        foreach (var character in _compatible.Keys)
            Mark(character, NormalForm.KC, NormalForm.KD);
        for (var syllable = Hangul.FirstSyllable; syllable <= Hangul.LastSyllable; syllable++)
            Mark(syllable, NormalForm.D, NormalForm.KD);
        for (var jamo = Hangul.FirstVowel; jamo <= Hangul.LastTail; jamo++)
            Mark(jamo, NormalForm.C, NormalForm.KC);
        foreach (var pair in _pairs.Keys)
            Mark((int)(pair & 0x1FFFFF), NormalForm.C, NormalForm.KC);
    }

    public static NormalizationTable Instance => Holder.Table;

    public byte Class(int character) => _classes.GetValueOrDefault(character);

    /// <summary>A character stands in text of this form, wherever it stands and whatever is beside it.</summary>
    public bool IsInert(int character, NormalForm form) => ((_traits[character >> 8]?[character & 0xFF] ?? 0) & (1 << (int)form)) == 0;

    /// <summary>One step of decomposition, or null.</summary>
    public int[]? Decompose(int character, bool isCompatible) => _canonical.TryGetValue(character, out var canonical) ? canonical
        : isCompatible && _compatible.TryGetValue(character, out var compatible) ? compatible : null;

    /// <summary>What two characters compose to, or -1.</summary>
    public int Compose(int first, int second) => Hangul.Compose(first, second) is >= 0 and var syllable
        ? syllable
        : _pairs.GetValueOrDefault(Pair(first, second), -1);

    private void Read(string[] parts)
    {
        var character = Hex(parts[0]);
        switch (parts[1])
        {
            case "c":
                _classes.Add(character, byte.Parse(parts[2], CultureInfo.InvariantCulture));
                break;
            case "<":
                _compatible.Add(character, [.. parts[2..].Select(Hex)]);
                break;
            default:
                int[] decomposition = [.. parts[2..].Select(Hex)];
                _canonical.Add(character, decomposition);
                // A mark in front, or a mark that decomposes, does not compose (Unicode 15, section 3.11, D117).
                if (parts[1] == "=" && Class(decomposition[0]) == 0 && Class(character) == 0)
                    _pairs.Add(Pair(decomposition[0], decomposition[1]), character);
                else
                    Mark(character, NormalForm.C, NormalForm.KC);
                break;
        }
    }

    /// <summary>A character decomposes to one that has a compatibility decomposition.</summary>
    private bool HoldsCompatible(int character) =>
        _compatible.ContainsKey(character) || (_canonical.TryGetValue(character, out var parts) && parts.Any(HoldsCompatible));

    private void Mark(int character, params ReadOnlySpan<NormalForm> forms)
    {
        var page = _traits[character >> 8] ??= new byte[256];
        foreach (var form in forms)
            page[character & 0xFF] |= (byte)(1 << (int)form);
    }

    private static long Pair(int first, int second) => ((long)first << 21) | (uint)second;

    private static int Hex(string text) => int.Parse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    private static class Holder
    {
        public static readonly NormalizationTable Table = new();
    }
}
