using System.Runtime.InteropServices;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;
using Vernier.Tuning;

namespace Vernier.Adapters;

/// <summary>fp32 tensors to and from a safetensors file. A file that is written is on the disk when the call returns.</summary>
internal static class TensorFile
{
    private const int Chunk = 1 << 20; // elements a span covers

    // What readers of adapters expect to find.
    private static readonly Dictionary<string, string> s_metadata = new() { ["format"] = "pt" };

    /// <summary>Writes tensors in the order given. Elements come by position, so that a tensor may be larger than an array.</summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written; an older file of that name stays.</exception>
    public static void Write(string path, IReadOnlyList<(string Name, IReadOnlyList<int> Shape, Func<long, int, ReadOnlySpan<float>> Elements)> tensors)
    {
        var plan = tensors.Select(t => new SafetensorsPlan(t.Name, ElementType.F32, [.. t.Shape.Select(n => (long)n)])).ToArray();
        using var file = SafetensorsWriter.Create(path, plan, s_metadata);
        foreach (var (_, shape, elements) in tensors)
        {
            var count = shape.Aggregate(1L, (a, b) => checked(a * b));
            for (var at = 0L; at < count; at += Chunk)
                file.Write(MemoryMarshal.AsBytes(elements(at, (int)Math.Min(Chunk, count - at))));
        }
        file.Commit();
    }

    /// <summary>Writes adapter tensors.</summary>
    public static void Write(string path, IEnumerable<AdapterTensor> tensors) =>
        Write(path, [.. tensors.Select(t => (t.Name, t.Shape, (Func<long, int, ReadOnlySpan<float>>)((at, n) => t.Values.AsSpan((int)at, n))))]);

    /// <summary>Reads a whole tensor into a buffer of its size.</summary>
    /// <exception cref="InvalidDataException">The tensor is missing or of another shape.</exception>
    public static void Read(SafetensorsFile file, string name, IReadOnlyList<int> shape, NativeBuffer<float> destination)
    {
        var tensor = file.Get(name);
        if (!tensor.Shape.SequenceEqual(shape.Select(n => (long)n)))
            throw new InvalidDataException($"{file.Path}: tensor {name} has shape [{string.Join(", ", tensor.Shape)}], expected [{string.Join(", ", shape)}]");
        for (var at = 0L; at < destination.Length; at += Chunk)
            file.ReadSingles(tensor, at, destination.Slice(at, (int)Math.Min(Chunk, destination.Length - at)));
    }

    /// <summary>Reads all tensors of a file.</summary>
    public static Dictionary<string, AdapterTensor> ReadAll(string path)
    {
        using var file = SafetensorsFile.Open(path);
        return file.Tensors.ToDictionary(t => t.Name, t => Read(file, t), StringComparer.Ordinal);
    }

    private static AdapterTensor Read(SafetensorsFile file, SafetensorsTensor tensor)
    {
        if (tensor.Elements > Array.MaxLength || tensor.Shape.Any(n => n > int.MaxValue))
            throw new InvalidDataException($"{file.Path}: tensor '{tensor.Name}': found shape [{string.Join(", ", tensor.Shape)}], expected at most {Array.MaxLength} values");
        var values = file.ReadSingles(tensor.Name);
        if (Array.FindIndex(values, v => !float.IsFinite(v)) is >= 0 and var at)
            throw new InvalidDataException(FormattableString.Invariant($"{file.Path}: tensor '{tensor.Name}': value {at}: found {values[at]}, expected finite numbers"));
        return new(tensor.Name, [.. tensor.Shape.Select(n => (int)n)], values);
    }
}
