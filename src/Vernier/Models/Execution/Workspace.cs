using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The scratch memory of passes: one buffer a <see cref="WorkspaceSlot"/>, which grows and is kept, so that a steady step allocates nothing.
/// A buffer that was outgrown lives until the next block begins: whoever still looks at a span of it looks at memory that is there.</summary>
internal sealed class Workspace : IDisposable
{
    private readonly Dictionary<WorkspaceSlot, NativeBuffer<float>> _slots = [];
    private readonly List<NativeBuffer<float>> _outgrown = [];

    /// <summary>A slot's memory, at least <paramref name="length"/> elements; contents undefined.</summary>
    public NativeBuffer<float> Of(WorkspaceSlot slot, long length)
    {
        if (_slots.TryGetValue(slot, out var buffer) && buffer.Length >= length)
            return buffer;
        if (slot.IsTakenInTurn)
            buffer?.Dispose();
        else if (buffer is not null)
            _outgrown.Add(buffer);
        return _slots[slot] = new NativeBuffer<float>(length);
    }

    /// <summary>Frees outgrown buffers. Where nobody has a span of any slot: at the beginning of a block.</summary>
    public void FreeOutgrown()
    {
        foreach (var buffer in _outgrown)
            buffer.Dispose();
        _outgrown.Clear();
    }

    public void Dispose()
    {
        FreeOutgrown();
        foreach (var buffer in _slots.Values)
            buffer.Dispose();
        _slots.Clear();
    }
}
