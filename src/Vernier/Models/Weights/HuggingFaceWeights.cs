using System.Runtime.InteropServices;
using Vernier.Files.HuggingFace;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Weights of a Hugging Face folder: safetensors or pytorch_model.bin, in one file or in shards. 16-bit weights stay 16 bits.</summary>
internal sealed class HuggingFaceWeights(HfFolder folder, ModelConfig config) : IWeightSource
{
    // Older checkpoints store the base model's names, without the prefix of the model with a head.
    private static readonly string[] s_prefixes = ["", "model.", "transformer."];

    private readonly StoredTensors _stored = StoredTensors.OfFolder(config);

    public WeightMatrix Matrix(string name, int rows, int columns)
    {
        var (tensor, part) = Find(name);
        var storedRows = part.IsFused ? part.StoredRows : rows;
        int[] shape = part.IsTransposed ? [columns, storedRows] : [storedRows, columns];
        if (tensor.Shape.Count != 2 || tensor.Shape[0] != shape[0] || tensor.Shape[1] != shape[1])
            throw new InvalidDataException($"{tensor.FilePath}: tensor '{tensor.Name}': found shape [{string.Join(", ", tensor.Shape)}], expected [{string.Join(", ", shape)}]");
        var matrix = part.IsTransposed ? TransposedTensor.Read(tensor, rows, columns, part.Order) : Read(tensor, rows, columns, part.Order);
        tensor.Release();
        return matrix;
    }

    private static WeightMatrix Read(HfTensor tensor, int rows, int columns, RotaryRowOrder order)
    {
        if (tensor.Type is ElementType.F16 or ElementType.BF16)
        {
            var half = new HalfMatrix(rows, columns, tensor.Type == ElementType.F16 ? HalfFormat.Fp16 : HalfFormat.Bf16);
            for (var row = 0; row < rows; row++)
            {
                tensor.ReadElements((long)order.FileRow(row) * columns, MemoryMarshal.AsBytes(half.Row(row)));
                if (NotFinite.IndexIn(half.Row(row), half.Format) is >= 0 and var column)
                    throw Bad(tensor, $"row {order.FileRow(row)}: found a value that is not finite in column {column}");
            }
            return half;
        }
        var dense = new DenseMatrix(rows, columns);
        for (var row = 0; row < rows; row++)
        {
            tensor.ReadSingles((long)order.FileRow(row) * columns, dense.Row(row));
            if (NotFinite.IndexIn(dense.Row(row)) is >= 0 and var column)
                throw Bad(tensor, $"row {order.FileRow(row)}: found {dense.Row(row)[column]} in column {column}");
        }
        return dense;
    }

    public void Vector(string name, Span<float> destination)
    {
        var (tensor, part) = Find(name);
        var length = part.IsFused ? part.StoredRows : destination.Length;
        if (tensor.Elements != length)
            throw new InvalidDataException($"{tensor.FilePath}: tensor '{tensor.Name}': found {tensor.Elements} values, expected {length}");
        if (part.IsFused)
        {
            var all = tensor.ToSingles();
            for (var i = 0; i < destination.Length; i++)
                destination[i] = all[part.Order.FileRow(i)];
        }
        else
        {
            tensor.ReadSingles(0, destination);
        }
        if (NotFinite.IndexIn(destination) is >= 0 and var at)
            throw Bad(tensor, $"found {destination[at]} at place {at}");
    }

    private static InvalidDataException Bad(HfTensor tensor, string found) => new($"{tensor.FilePath}: tensor '{tensor.Name}': {found}, expected finite numbers");

    /// <summary>A tensor of its own comes before one that holds several.</summary>
    private (HfTensor Tensor, StoredPart Part) Find(string name)
    {
        var part = _stored.Find(name)!;
        if (part.IsFused && FindAlone(name) is { } alone)
            return (alone, new StoredPart(name, name, 0, 0, default));
        return (FindAlone(part.Stored) ?? folder.Get(part.Stored), part);
    }

    private HfTensor? FindAlone(string name) => Spellings(name).Select(folder.Find).FirstOrDefault(t => t is not null);

    /// <summary>A name as today's checkpoints spell it, and as older ones do.</summary>
    internal static IEnumerable<string> Spellings(string name) => s_prefixes.Where(p => name.StartsWith(p, StringComparison.Ordinal)).Select(p => name[p.Length..]);
}
