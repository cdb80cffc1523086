namespace Vernier.Files.Tensors;

/// <summary>A file of named tensors, slowest dimension first: safetensors or a PyTorch pickle.</summary>
internal interface ITensorFile : IDisposable
{
    string Path { get; }

    IEnumerable<(string Name, ElementType Type, IReadOnlyList<long> Shape)> List();

    /// <summary>Copies elements in row-major order, as they are in the file.</summary>
    /// <param name="start">First element.</param>
    /// <param name="destination">A whole number of elements.</param>
    void ReadElements(string name, long start, Span<byte> destination);

    /// <summary>Lets go of the memory that reading a tensor took; it can still be read.</summary>
    void Release(string name);

    /// <exception cref="InvalidDataException">The file was written to since it was opened.</exception>
    void RequireUnchanged();
}
