namespace Vernier.Tokens;

/// <summary>A growing run of ids that is reused from text to text.</summary>
internal sealed class IdBuffer
{
    private int[] _ids = new int[256];

    public int Count { get; private set; }

    public void Clear() => Count = 0;

    public void Add(int id)
    {
        if (Count == _ids.Length)
            Array.Resize(ref _ids, checked(2 * Count));
        _ids[Count++] = id;
    }

    public void Add(ReadOnlySpan<int> ids)
    {
        if (ids.Length == 1)
        {
            Add(ids[0]);
            return;
        }
        ids.CopyTo(Reserve(ids.Length));
    }

    /// <summary>Room for more ids, which count as added; give back what is not used with <see cref="Trim"/>.</summary>
    public Span<int> Reserve(int count)
    {
        var start = Count;
        if (_ids.Length - start < count)
            Array.Resize(ref _ids, checked(Math.Max(2 * _ids.Length, start + count)));
        Count += count;
        return _ids.AsSpan(start, count);
    }

    public void Trim(int count) => Count = count;

    public ReadOnlySpan<int> From(int start) => _ids.AsSpan(start, Count - start);
}
