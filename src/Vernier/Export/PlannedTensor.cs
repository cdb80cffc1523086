using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Tensors;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>A tensor of a GGUF file to be written, and how its bytes come about.</summary>
internal sealed record PlannedTensor(GgufTensorPlan Plan, Action<GgufWriter> Write)
{
    private const int CopyBytes = 1 << 20;

    /// <summary>Refuses numbers that the format cannot hold; null where there can be none.</summary>
    private Action? Check { get; init; }

    /// <summary>Refuses likewise, and says what its user should know; null where there is nothing.</summary>
    private Func<IEnumerable<string>>? Notes { get; init; }

    /// <summary>Looks through the numbers.</summary>
    /// <returns>What its user should know.</returns>
    /// <exception cref="NotSupportedException">A number would be written as infinity, or is not finite: names the tensor.</exception>
    public IEnumerable<string> RequireFinite()
    {
        Check?.Invoke();
        return Notes?.Invoke() ?? [];
    }

    /// <summary>The bytes of another file, untouched.</summary>
    public static PlannedTensor Copy(GgufFile source, GgufTensor tensor) => new(
        new GgufTensorPlan(tensor.Name, tensor.Dimensions, tensor.Format),
        writer =>
        {
            for (var at = 0L; at < tensor.ByteLength; at += CopyBytes)
                writer.Write(source.Bytes(tensor, at, (int)Math.Min(CopyBytes, tensor.ByteLength - at)));
        });

    /// <summary>Codes and scales put into blocks.</summary>
    /// <exception cref="NotSupportedException">A scale is too large for fp16.</exception>
    public static PlannedTensor Packed(string name, BlockFormat format, PackedMatrix matrix, RotaryRowOrder order)
    {
        StorableNumbers.RequireScales(name, matrix, ElementType.F16, hasOffsets: !format.Name.EndsWith("_0", StringComparison.Ordinal));
        return new(new GgufTensorPlan(name, [matrix.Columns, matrix.Rows], format), writer => PackedRows.Write(writer, format, matrix, order));
    }

    /// <summary>Codes of several linears that the file has as one tensor: joined when their turn has come, and let go again.</summary>
    /// <param name="plan">What is made of the matrix, the same each time.</param>
    public static PlannedTensor Joined(StoredWeight weight, Func<PackedMatrix, PlannedTensor> plan)
    {
        var first = weight.WithCodes(plan);
        if (weight.Names.Take(2).Count() == 1)
            return first with { Plan = first.Plan with { Dimensions = weight.Dimensions } };
        return new(first.Plan with { Dimensions = weight.Dimensions }, writer => weight.WithCodes(codes =>
        {
            plan(codes).Write(writer);
            return true;
        }))
        {
            Notes = () => weight.WithCodes(codes => plan(codes).RequireFinite()),
        };
    }

    /// <summary>The blocks of another file, each multiplied by a factor.</summary>
    /// <param name="factors">[blocks], in the file's order.</param>
    public static PlannedTensor Rescaled(GgufFile source, GgufTensor tensor, float[] factors) => new(
        new GgufTensorPlan(tensor.Name, tensor.Dimensions, tensor.Format),
        writer =>
        {
            var (bytes, blocks) = (new byte[tensor.RowBytes], (int)(tensor.Columns / tensor.Format.BlockSize));
            for (var row = 0; row < tensor.Rows; row++)
            {
                tensor.Format.Rescale(source.Row(tensor, row), factors.AsSpan(row * blocks, blocks), bytes);
                writer.Write(bytes);
            }
        })
    {
        Notes = () =>
        {
            var (bytes, blocks, coarse) = (new byte[tensor.RowBytes], (int)(tensor.Columns / tensor.Format.BlockSize), 0L);
            try
            {
                for (var row = 0; row < tensor.Rows; row++)
                    coarse += tensor.Format.Rescale(source.Row(tensor, row), factors.AsSpan(row * blocks, blocks), bytes);
            }
            catch (NotSupportedException e)
            {
                throw new NotSupportedException($"'{tensor.Name}': {e.Message}: export --to native or hf holds it; nothing is written", e);
            }
            return coarse == 0 ? []
                : [FormattableString.Invariant($"tensor '{tensor.Name}': {coarse} of its fp16 scales are below 6.1e-5, where fp16 has fewer digits: they are rounded to the nearest all the same")];
        },
    };

    /// <summary>A matrix as plain numbers (or quantized by the format's own rounding).</summary>
    public static PlannedTensor Floats(string name, IReadOnlyList<long> dimensions, BlockFormat format, WeightMatrix matrix, RotaryRowOrder order) => new(
        new GgufTensorPlan(name, dimensions, format),
        writer =>
        {
            var (values, bytes) = (new float[matrix.Columns], new byte[format.BytesOf(matrix.Columns)]);
            foreach (var row in order.ModelRows(matrix.Rows))
            {
                matrix.ReadTile(row, 1, 0, matrix.Columns, values, matrix.Columns);
                StorableNumbers.Require(name, values, TypeOf(format));
                format.Quantize(values, bytes);
                writer.Write(bytes);
            }
        })
    {
        Check = () => NumberRange.Require(name, matrix, null, TypeOf(format)),
    };

    /// <summary>What its plain numbers, or the scales of its blocks, can be.</summary>
    private static ElementType TypeOf(BlockFormat format) =>
        format == BlockFormats.F32 ? ElementType.F32 : format == BlockFormats.BF16 ? ElementType.BF16 : ElementType.F16;

    /// <summary>A vector as plain numbers.</summary>
    public static PlannedTensor Floats(string name, IReadOnlyList<long> dimensions, BlockFormat format, Parameter vector, RotaryRowOrder order) => new(
        new GgufTensorPlan(name, dimensions, format),
        writer =>
        {
            var source = vector.Value.Span;
            var values = new float[source.Length];
            var at = 0;
            foreach (var row in order.ModelRows(values.Length))
                values[at++] = source[row];
            var bytes = new byte[format.BytesOf(values.Length)];
            StorableNumbers.Require(name, values, TypeOf(format));
            format.Quantize(values, bytes);
            writer.Write(bytes);
        })
    {
        Check = () => NumberRange.Require(name, null, vector, TypeOf(format)),
    };

    /// <summary>Numbers that belong to no weight, as F32.</summary>
    public static PlannedTensor Values(string name, float[] values) => new(
        new GgufTensorPlan(name, [values.Length], BlockFormats.F32),
        writer =>
        {
            var bytes = new byte[BlockFormats.F32.BytesOf(values.Length)];
            BlockFormats.F32.Quantize(values, bytes);
            writer.Write(bytes);
        });
}
