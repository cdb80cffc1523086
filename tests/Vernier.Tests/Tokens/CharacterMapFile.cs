using System.Buffers.Binary;
using System.Text;

namespace Vernier.Tests.Tokens;

/// <summary>Builds a precompiled map of characters as SentencePiece writes it: a Darts double array in which every node has 256 places of its own, and the replacements.</summary>
internal static class CharacterMapFile
{
    public static byte[] Of(params (string From, string To)[] rules)
    {
        var units = new uint[256];
        var replacements = new List<byte>();
        foreach (var (from, to) in rules)
        {
            var place = 0u;
            foreach (var value in Encoding.UTF8.GetBytes(from))
            {
                var child = Block(ref units, place) ^ value;
                units[child] = (units[child] & 0xFFFFFF00) | value;
                place = child;
            }
            var leaf = Block(ref units, place);
            units[place] |= 1 << 8;
            units[leaf] = 0x80000000 | (uint)replacements.Count;
            replacements.AddRange(Encoding.UTF8.GetBytes(to + "\0"));
        }
        var bytes = new byte[4 + 4 * units.Length];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)(4 * units.Length));
        for (var i = 0; i < units.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(4 + 4 * i), units[i]);
        return [.. bytes, .. replacements];
    }

    /// <summary>Where the children of a node are; a node without children gets a block of them.</summary>
    private static uint Block(ref uint[] units, uint place)
    {
        if (units[place] >> 10 == 0)
        {
            var block = (uint)units.Length;
            Array.Resize(ref units, units.Length + 256);
            units[place] |= (block ^ place) << 10;
        }
        return place ^ (units[place] >> 10);
    }
}
