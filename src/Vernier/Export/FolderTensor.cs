using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>A weight of a Hugging Face folder to be written: one tensor or, packed, several.</summary>
/// <param name="Format">How it is held, for the report.</param>
internal sealed record FolderTensor(IReadOnlyList<SafetensorsPlan> Plans, string Format, Action<SafetensorsWriter> Write)
{
    /// <summary>Refuses numbers that the type cannot hold; null where there can be none.</summary>
    private Action? Check { get; init; }

    /// <exception cref="NotSupportedException">A number would be written as infinity, or is not finite: names the tensor.</exception>
    public void RequireFinite() => Check?.Invoke();

    /// <summary>Writes model.safetensors of a folder that exists.</summary>
    /// <param name="framework">Who is to read the tensors: pt or mlx.</param>
    public static void WriteAll(IReadOnlyList<FolderTensor> tensors, string folder, string framework, CancellationToken cancel)
    {
        using var writer = SafetensorsWriter.Create(Path.Combine(folder, "model.safetensors"), [.. tensors.SelectMany(t => t.Plans)], new Dictionary<string, string> { ["format"] = framework }, cancel);
        foreach (var tensor in tensors)
            tensor.Write(writer);
        writer.Commit();
    }

    /// <summary>A packed layer, made when its turn has come.</summary>
    public static FolderTensor Packed(IReadOnlyList<SafetensorsPlan> plans, string format, Func<IReadOnlyList<byte[]>> pack) => new(plans, format, writer =>
    {
        foreach (var bytes in pack())
            writer.Write(bytes);
    });

    /// <summary>A matrix or a vector as plain numbers.</summary>
    public static FolderTensor Floats(string name, WeightMatrix? matrix, Parameter? vector, ElementType type) => new(
        [new SafetensorsPlan(name, type, matrix is null ? [vector!.Value.Length] : [matrix.Rows, matrix.Columns])],
        type.ToString(),
        writer =>
        {
            if (matrix is null)
            {
                StorableNumbers.Require(name, vector!.Value.Span, type);
                writer.Write(vector.Value.Span, type);
                return;
            }
            var row = new float[matrix.Columns];
            for (var i = 0; i < matrix.Rows; i++)
            {
                matrix.ReadTile(i, 1, 0, matrix.Columns, row, matrix.Columns);
                StorableNumbers.Require(name, row, type);
                writer.Write(row, type);
            }
        })
    {
        Check = () => NumberRange.Require(name, matrix, vector, type),
    };

    /// <summary>The bytes of another folder's tensor.</summary>
    public static FolderTensor Copy(HfTensor tensor) => new(
        [new SafetensorsPlan(tensor.Name, tensor.Type, tensor.Shape)],
        tensor.Type.ToString(),
        writer =>
        {
            var bytes = new byte[tensor.ByteLength];
            tensor.ReadElements(0, bytes);
            writer.Write(bytes);
        });
}
