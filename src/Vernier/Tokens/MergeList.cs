using System.Runtime.InteropServices;
using System.Text.Json;

namespace Vernier.Tokens;

/// <summary>
/// Collects merges in the order of their rank, from pieces to ids. There may be half a million of them, and their pieces are
/// looked up three times each: their texts are gathered first and looked up by all processors together.
/// </summary>
/// <param name="source">The file, for messages.</param>
/// <param name="continuingPrefix">What the right piece of a merge loses in front.</param>
internal sealed class MergeList(string source, string continuingPrefix = "")
{
    private const int ChunkSize = 16_384;

    private readonly List<(int Start, int Middle, int End)> _merges = [];
    private char[] _text = new char[1024];
    private int _length;

    public int Count => _merges.Count;

    /// <summary>Adds a merge written as two pieces with a space between.</summary>
    /// <exception cref="InvalidDataException">It is not.</exception>
    public void Add(ReadOnlySpan<char> merge)
    {
        // The space itself may be part of a piece only at its beginning.
        var space = merge.Length > 1 ? merge[1..].IndexOf(' ') + 1 : 0;
        if (space <= 0 || space >= merge.Length - 1)
            throw new InvalidDataException($"{source}: merge {Count} is \"{merge}\", expected two pieces with a space between");
        merge[..space].CopyTo(Room(merge.Length));
        merge[(space + 1)..].CopyTo(_text.AsSpan(_length + space));
        Finish(space, merge.Length - 1);
    }

    /// <summary>Adds merges written as a list of texts, or of pairs of pieces.</summary>
    /// <exception cref="InvalidDataException">An entry is neither.</exception>
    public void Add(JsonElement list)
    {
        _merges.EnsureCapacity(list.GetArrayLength());
        var reader = new Utf8JsonReader(JsonMarshal.GetRawUtf8Value(list));
        reader.Read();
        var merge = new char[256];
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            if (reader.TokenType == JsonTokenType.String)
            {
                if (merge.Length < reader.ValueSpan.Length)
                    merge = new char[2 * reader.ValueSpan.Length];
                Add(merge.AsSpan(0, reader.CopyString(merge)));
            }
            else
            {
                AddPair(ref reader);
            }
    }

    /// <summary>All merges by ids.</summary>
    /// <exception cref="InvalidDataException">The vocabulary lacks one of the pieces, or what they become.</exception>
    public PieceMerge[] Resolve(Vocabulary vocabulary)
    {
        var merges = new PieceMerge[Count];
        var chunks = (Count + ChunkSize - 1) / ChunkSize;
        var bad = new int[chunks];
        void Work(int chunk) => bad[chunk] = ResolveChunk(vocabulary, merges, chunk * ChunkSize, Math.Min(Count, (chunk + 1) * ChunkSize));
        if (chunks < 2)
            for (var chunk = 0; chunk < chunks; chunk++)
                Work(chunk);
        else
            Parallel.For(0, chunks, Work);
        foreach (var rank in bad)
            if (rank >= 0)
                throw Missing(vocabulary, rank);
        return merges;
    }

    /// <summary>Resolves a part of the merges; the first of them that cannot be resolved, or -1.</summary>
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.AggressiveOptimization)]
    private int ResolveChunk(Vocabulary vocabulary, PieceMerge[] merges, int from, int to)
    {
        for (var rank = from; rank < to; rank++)
        {
            var (left, right, merged) = Pieces(rank);
            if (!vocabulary.TryFind(left, out var leftId) || !vocabulary.TryFind(right, out var rightId)
                || !vocabulary.TryFind(merged, out var mergedId))
                return rank;
            merges[rank] = new PieceMerge(leftId, rightId, mergedId);
        }
        return -1;
    }

    private MergedPieces Pieces(int rank)
    {
        var (start, middle, end) = _merges[rank];
        ReadOnlySpan<char> left = _text.AsSpan(start..middle), right = _text.AsSpan(middle..end), merged = _text.AsSpan(start..end);
        if (continuingPrefix.Length > 0)
            merged = string.Concat(left, right[Math.Min(continuingPrefix.Length, right.Length)..]);
        return new MergedPieces(left, right, merged);
    }

    private void AddPair(ref Utf8JsonReader reader)
    {
        if (reader.TokenType == JsonTokenType.StartArray && reader.Read() && reader.TokenType == JsonTokenType.String)
        {
            var middle = reader.CopyString(Room(reader.ValueSpan.Length));
            if (reader.Read() && reader.TokenType == JsonTokenType.String)
            {
                var end = middle + reader.CopyString(Room(middle + reader.ValueSpan.Length)[middle..]);
                if (reader.Read() && reader.TokenType == JsonTokenType.EndArray)
                {
                    Finish(middle, end);
                    return;
                }
            }
        }
        throw new InvalidDataException($"{source}: merge {Count} is not a text or two texts, expected two pieces");
    }

    /// <summary>Room for the text of the next merge.</summary>
    private Span<char> Room(int length)
    {
        if (_text.Length - _length < length)
            Array.Resize(ref _text, checked(Math.Max(2 * _text.Length, _length + length)));
        return _text.AsSpan(_length);
    }

    private void Finish(int middle, int end)
    {
        _merges.Add((_length, _length + middle, _length + end));
        _length += end;
    }

    private InvalidDataException Missing(Vocabulary vocabulary, int rank)
    {
        var (left, right, merged) = Pieces(rank);
        var piece = !vocabulary.TryFind(left, out _) ? left : !vocabulary.TryFind(right, out _) ? right : merged;
        return new($"{source}: merge {rank} (\"{left}\" with \"{right}\") needs the token \"{piece}\", which the vocabulary of {vocabulary.Count} lacks");
    }

    private readonly ref struct MergedPieces(ReadOnlySpan<char> left, ReadOnlySpan<char> right, ReadOnlySpan<char> merged)
    {
        private readonly ReadOnlySpan<char> _left = left, _right = right, _merged = merged;

        public void Deconstruct(out ReadOnlySpan<char> left, out ReadOnlySpan<char> right, out ReadOnlySpan<char> merged)
        {
            left = _left;
            right = _right;
            merged = _merged;
        }
    }
}
