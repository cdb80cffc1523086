using Vernier.Files.Disk;

namespace Vernier.Files.Tensors;

/// <summary>The data part of a file that is written front to back: tensors of known lengths in a fixed order, each padded to the alignment.</summary>
internal sealed class TensorSequence(ReplacingFile file, IReadOnlyList<(string Name, long Bytes)> tensors, int alignment)
{
    private int _current;
    private long _written;

    /// <summary>Every tensor has all its bytes.</summary>
    public bool IsComplete
    {
        get
        {
            SkipFull();
            return _current == tensors.Count;
        }
    }

    /// <summary>Appends to the tensor whose turn it is.</summary>
    /// <exception cref="ArgumentException">More bytes than the tensor has left.</exception>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        SkipFull();
        var left = _current < tensors.Count ? tensors[_current].Bytes - _written : 0;
        if (bytes.Length > left)
            throw new ArgumentException($"{file.Path}: {bytes.Length} bytes where {Turn} has {left} left", nameof(bytes));
        file.Write(bytes);
        _written += bytes.Length;
        SkipFull();
    }

    /// <exception cref="InvalidOperationException">A tensor is not complete.</exception>
    public void CheckComplete()
    {
        SkipFull();
        if (_current < tensors.Count)
            throw new InvalidOperationException($"{file.Path}: {Turn} has only {_written} of {tensors[_current].Bytes} bytes");
    }

    private string Turn => _current < tensors.Count ? $"tensor '{tensors[_current].Name}'" : "the end";

    private void SkipFull()
    {
        while (_current < tensors.Count && _written == tensors[_current].Bytes)
        {
            file.Pad(alignment);
            _current++;
            _written = 0;
        }
    }
}
