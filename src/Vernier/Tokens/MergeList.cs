namespace Vernier.Tokens;

/// <summary>Collects merges in the order of their rank, from pieces to ids.</summary>
/// <param name="source">The file, for messages.</param>
internal sealed class MergeList(string source, Vocabulary vocabulary)
{
    private readonly List<PieceMerge> _merges = [];
    private char[] _merged = new char[64];

    public int Count => _merges.Count;

    /// <exception cref="InvalidDataException">The vocabulary lacks one of the pieces, or what they become.</exception>
    public void Add(ReadOnlySpan<char> left, ReadOnlySpan<char> right)
    {
        var length = left.Length + right.Length;
        if (_merged.Length < length)
            _merged = new char[2 * length];
        left.CopyTo(_merged);
        right.CopyTo(_merged.AsSpan(left.Length));
        _merges.Add(new PieceMerge(Id(left, left, right), Id(right, left, right), Id(_merged.AsSpan(0, length), left, right)));
    }

    /// <summary>Adds a merge written as two pieces with a space between.</summary>
    /// <exception cref="InvalidDataException">It is not, or the vocabulary lacks one of the pieces.</exception>
    public void Add(string merge)
    {
        var space = TokenizerJson.FindSplit(source, Count, merge);
        Add(merge.AsSpan(0, space), merge.AsSpan(space + 1));
    }

    public PieceMerge[] ToArray() => [.. _merges];

    private int Id(ReadOnlySpan<char> piece, ReadOnlySpan<char> left, ReadOnlySpan<char> right) => vocabulary.Lookup.TryGetValue(piece, out var id)
        ? id
        : throw new InvalidDataException(
            $"{source}: merge {Count} (\"{left}\" with \"{right}\") needs the token \"{piece}\", which the vocabulary of {vocabulary.Count} lacks");
}
