using Vernier.Adapters;
using Vernier.Files.Safetensors;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Where the validation loss was lowest; part of a checkpoint's state.</summary>
/// <param name="Step">After so many steps; 0 = before the first.</param>
/// <param name="Loss">Validation loss there, nats a token.</param>
/// <param name="Since">Validations since then, none of them lower.</param>
internal sealed record BestState(int Step, double Loss, int Since);

/// <summary>The trained values at the lowest validation loss so far, for <c>--keep best</c> and <c>--patience</c>.</summary>
internal sealed class BestValues(IReadOnlyList<Parameter> parameters) : IDisposable
{
    private const int Chunk = 1 << 20; // elements a span covers

    private readonly NativeBuffer<float>[] _values = [.. parameters.Select(p => new NativeBuffer<float>(p.Value.Length))];

    /// <summary>null until there was a validation.</summary>
    public BestState? State { get; private set; }

    /// <summary>Takes the values as they are now where the loss is the lowest so far.</summary>
    public void Offer(int step, double loss)
    {
        if (State is { } best && !(loss < best.Loss))
        {
            State = best with { Since = best.Since + 1 };
            return;
        }
        State = new BestState(step, loss, 0);
        foreach (var (i, p) in parameters.Index())
            Copy(p.Value, _values[i]);
    }

    /// <summary>Puts the values back into the parameters.</summary>
    public void Restore()
    {
        foreach (var (i, p) in parameters.Index())
            Copy(_values[i], p.Value);
    }

    /// <summary>Writes the values, under the parameters' names.</summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written.</exception>
    public void Save(string path) =>
        TensorFile.Write(path, [.. parameters.Select((p, i) => (p.Name, p.Shape, (Func<long, int, ReadOnlySpan<float>>)((at, length) => _values[i].Slice(at, length))))]);

    /// <summary>Reads what <see cref="Save"/> wrote.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of another shape.</exception>
    public void Load(string path, BestState state)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var (i, p) in parameters.Index())
            TensorFile.Read(file, p.Name, p.Shape, _values[i]);
        State = state;
    }

    public void Dispose()
    {
        foreach (var values in _values)
            values.Dispose();
    }

    private static void Copy(NativeBuffer<float> from, NativeBuffer<float> to)
    {
        for (var at = 0L; at < from.Length; at += Chunk)
        {
            var length = (int)Math.Min(Chunk, from.Length - at);
            from.Slice(at, length).CopyTo(to.Slice(at, length));
        }
    }
}
