using System.Runtime.InteropServices;
using Vernier.Files;
using Vernier.Files.Safetensors;
using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Weights of a Hugging Face folder: one or several safetensors files.</summary>
public sealed class HuggingFaceWeights : IWeightSource, IDisposable
{
    // Older checkpoints store the base model's names, without the prefix of the model with a head.
    private static readonly string[] s_prefixes = ["", "model.", "transformer."];

    private readonly string _folder;
    private readonly List<SafetensorsFile> _files = [];

    /// <exception cref="InvalidDataException">There is no weight file, or one is damaged.</exception>
    public HuggingFaceWeights(string folder)
    {
        _folder = folder;
        try
        {
            foreach (var path in Directory.EnumerateFiles(folder, "*.safetensors").Order(StringComparer.Ordinal))
                _files.Add(SafetensorsFile.Open(path));
        }
        catch
        {
            Dispose();
            throw;
        }
        if (_files.Count == 0)
            throw new InvalidDataException($"{folder}: found no .safetensors file");
    }

    public WeightMatrix Matrix(string name, int rows, int columns)
    {
        var (file, tensor) = Find(name);
        if (tensor.Shape.Count != 2 || tensor.Shape[0] != rows || tensor.Shape[1] != columns)
            throw new InvalidDataException($"{file.Path}: tensor '{tensor.Name}': found shape [{string.Join(", ", tensor.Shape)}], expected [{rows}, {columns}]");
        if (tensor.Type is ElementType.F16 or ElementType.BF16)
            return Half(file, tensor, rows, columns);
        var matrix = new DenseMatrix(rows, columns);
        Rows.ForEachRange(rows, columns, (from, to) =>
        {
            for (var row = from; row < to; row++)
                file.ReadSingles(tensor, (long)row * columns, matrix.Row(row));
        });
        return matrix;
    }

    private static HalfMatrix Half(SafetensorsFile file, SafetensorsTensor tensor, int rows, int columns)
    {
        var matrix = new HalfMatrix(rows, columns, tensor.Type == ElementType.F16 ? HalfFormat.Fp16 : HalfFormat.Bf16);
        for (var row = 0; row < rows; row++)
            file.Bytes(tensor, (long)row * columns * sizeof(ushort), columns * sizeof(ushort)).CopyTo(MemoryMarshal.AsBytes(matrix.Row(row)));
        return matrix;
    }

    public void Vector(string name, Span<float> destination)
    {
        var (file, tensor) = Find(name);
        if (tensor.Elements != destination.Length)
            throw new InvalidDataException($"{file.Path}: tensor '{tensor.Name}': found {tensor.Elements} values, expected {destination.Length}");
        file.ReadSingles(tensor, 0, destination);
    }

    /// <summary>Every tensor of the folder.</summary>
    public IReadOnlyList<SourceTensor> Tensors() =>
        [.. _files.SelectMany(f => f.Tensors).Select(t => new SourceTensor(t.Name, t.Name, t.Shape, t.Type.ToString(), t.ByteLength))];

    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
    }

    private (SafetensorsFile, SafetensorsTensor) Find(string name)
    {
        foreach (var prefix in s_prefixes)
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                foreach (var file in _files)
                    if (file.Find(name[prefix.Length..]) is { } tensor)
                        return (file, tensor);
        throw new InvalidDataException($"{_folder}: tensors: found none named '{name}', expected it");
    }
}
