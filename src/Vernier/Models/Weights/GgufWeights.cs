using System.Runtime.InteropServices;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Quantization;

namespace Vernier.Models;

/// <summary>Weights of a GGUF file under Hugging Face names and in Hugging Face row order. Quantized tensors keep the file's own codes.</summary>
internal sealed class GgufWeights(GgufFile file, ModelConfig config) : IWeightSource
{
    private readonly StoredTensors _stored = StoredTensors.OfGguf(config);
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);

    /// <summary>Refuses tensors of the decoder's kinds that it did not ask for, such as a bias in some layers only: without them it computes something else.</summary>
    /// <exception cref="NotSupportedException">There is one.</exception>
    internal void RequireAllUsed()
    {
        if (file.Tensors.FirstOrDefault(t => _stored.Parts(t.Name).Count > 0 && !_used.Contains(t.Name)) is { } left)
            throw new NotSupportedException($"{file.Path}: tensor '{left.Name}' is not used by a model of architecture '{config.Architecture}' as the other tensors describe it");
    }

    public WeightMatrix Matrix(string name, int rows, int columns)
    {
        var (tensor, part) = Find(name);
        var storedRows = part.IsFused ? part.StoredRows : rows;
        var expected = part.Dimensions(columns, storedRows);
        if (!tensor.Dimensions.SequenceEqual(expected) && (storedRows != 1 || tensor.Dimensions is not [var only] || only != columns))
            throw new InvalidDataException($"{file.Path}: tensor '{tensor.Name}': found shape [{string.Join(", ", tensor.Dimensions)}], expected [{string.Join(", ", expected)}]");
        if (!tensor.Format.CanDequantize)
            throw new NotSupportedException($"{file.Path}: tensor '{tensor.Name}': block format {tensor.Format.Name} cannot be read");
        if (tensor.Format.Codes?.Storage == ScaleStorage.Float8 && file.Find(Path.ChangeExtension(tensor.Name, ".scale")) is { } whole)
            throw new NotSupportedException($"{file.Path}: tensor '{whole.Name}': a scale of the whole tensor '{tensor.Name}' beside those of its {tensor.Format.Name} blocks is not read");
        var matrix = Matrix(tensor, rows, part.Order);
        file.Release(tensor);
        return matrix;
    }

    private WeightMatrix Matrix(GgufTensor tensor, int rows, RotaryRowOrder order)
    {
        if (tensor.Format.Codes is { } codes)
            return Packed(tensor, rows, codes.Bits, codes.GroupSize, Codebook(codes), order);
        if (tensor.Format == BlockFormats.F16 || tensor.Format == BlockFormats.BF16)
            return Half(tensor, rows, order);
        return Dense(tensor, rows, order);
    }

    public void Vector(string name, Span<float> destination)
    {
        var (tensor, part) = Find(name);
        var length = part.IsFused ? part.StoredRows : destination.Length;
        if (tensor.Elements != length)
            throw new InvalidDataException($"{file.Path}: tensor '{tensor.Name}': found {tensor.Elements} values, expected {length}");
        var values = file.ReadAll(tensor);
        if (NotFinite.IndexIn(values) is >= 0 and var at)
            throw new InvalidDataException($"{file.Path}: tensor '{tensor.Name}': found {values[at]} at place {at}, expected finite numbers");
        for (var i = 0; i < destination.Length; i++)
            destination[i] = values[part.Order.FileRow(i)] - part.Offset;
    }

    private static float[]? Codebook(BlockCodes codes) => codes.Table?.Select(v => v * codes.TableUnit).ToArray();

    private (GgufTensor Tensor, StoredPart Part) Find(string name)
    {
        var part = _stored.Find(name) ?? throw new NotSupportedException($"{file.Path}: GGUF has no name for '{name}'");
        _used.Add(part.Stored);
        return (file.Find(part.Stored) ?? throw new InvalidDataException($"{file.Path}: tensors: found none named '{part.Stored}', expected it ({name})"), part);
    }

    private PackedMatrix Packed(GgufTensor tensor, int rows, int bits, int groupSize, float[]? codebook, RotaryRowOrder order)
    {
        var blocks = SuperBlockScales.Of(tensor, rows);
        var matrix = new PackedMatrix(rows, (int)tensor.Columns, bits, groupSize, codebook, scales: blocks?.Scales, factorGroupSize: tensor.Format.BlockSize);
        var columns = matrix.Columns;
        var largest = codebook is null ? (1 << bits) - 1 : codebook.Max(MathF.Abs);
        RowRanges.ForEach(matrix.Rows, columns, (from, to) =>
        {
            var codes = new byte[columns];
            var (scale, offset) = (new float[matrix.Groups], new float[matrix.Groups]);
            for (var row = from; row < to; row++)
            {
                tensor.Format.Split(file.Row(tensor, order.FileRow(row)), codes, scale, offset);
                if (NotFinite.GroupIn(scale, offset, largest) is >= 0 and var group)
                    throw Bad(tensor, order.FileRow(row), $"scale {scale[group]}{(tensor.Format.Codes!.ZeroPoint is null && codebook is null ? $" and minimum {offset[group]}" : "")} in block {group * groupSize / tensor.Format.BlockSize}");
                matrix.SetRowCodes(row, codes);
                if (blocks is not null)
                {
                    blocks.SetRow(row, file.Row(tensor, order.FileRow(row)), scale, offset);
                    continue;
                }
                scale.CopyTo(matrix.TunedScales.Scale.Slice((long)row * matrix.Groups, matrix.Groups));
                offset.CopyTo(matrix.TunedScales.Offset.Slice((long)row * matrix.Groups, matrix.Groups));
            }
        });
        matrix.StoreScales();
        return matrix;
    }

    private HalfMatrix Half(GgufTensor tensor, int rows, RotaryRowOrder order)
    {
        var matrix = new HalfMatrix(rows, (int)tensor.Columns, tensor.Format == BlockFormats.F16 ? HalfFormat.Fp16 : HalfFormat.Bf16);
        for (var row = 0; row < matrix.Rows; row++)
        {
            var values = matrix.Row(row);
            file.Row(tensor, order.FileRow(row)).CopyTo(MemoryMarshal.AsBytes(values));
            if (NotFinite.IndexIn(values, matrix.Format) is >= 0 and var column)
                throw Bad(tensor, order.FileRow(row), $"a value that is not finite in column {column}");
        }
        return matrix;
    }

    private DenseMatrix Dense(GgufTensor tensor, int rows, RotaryRowOrder order)
    {
        var matrix = new DenseMatrix(rows, (int)tensor.Columns);
        RowRanges.ForEach(matrix.Rows, matrix.Columns, (from, to) =>
        {
            for (var row = from; row < to; row++)
            {
                file.ReadRow(tensor, order.FileRow(row), matrix.Row(row));
                if (NotFinite.IndexIn(matrix.Row(row)) is >= 0 and var column)
                    throw Bad(tensor, order.FileRow(row), $"{matrix.Row(row)[column]} in column {column}");
            }
        });
        return matrix;
    }

    private InvalidDataException Bad(GgufTensor tensor, int row, string found) => new($"{file.Path}: tensor '{tensor.Name}': row {row}: found {found}, expected finite numbers");
}
