using System.Runtime.InteropServices;
using Vernier.Files.HuggingFace;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A weight that is stored as [in, out] (GPT-2's Conv1D), read as [out, in].</summary>
internal static class TransposedTensor
{
    /// <param name="order">Which of the stored columns are the rows.</param>
    /// <exception cref="InvalidDataException">A value is not finite.</exception>
    public static WeightMatrix Read(HfTensor tensor, int rows, int columns, RotaryRowOrder order)
    {
        var stored = (int)tensor.Shape[1];
        if (tensor.Type is ElementType.F16 or ElementType.BF16)
        {
            var half = new HalfMatrix(rows, columns, tensor.Type == ElementType.F16 ? HalfFormat.Fp16 : HalfFormat.Bf16);
            var bits = new ushort[stored];
            for (var column = 0; column < columns; column++)
            {
                tensor.ReadElements((long)column * stored, MemoryMarshal.AsBytes(bits.AsSpan()));
                Require(tensor, column, NotFinite.IndexIn(bits, half.Format));
                for (var row = 0; row < rows; row++)
                    half.Row(row)[column] = bits[order.FileRow(row)];
            }
            return half;
        }
        var dense = new DenseMatrix(rows, columns);
        var values = new float[stored];
        for (var column = 0; column < columns; column++)
        {
            tensor.ReadSingles((long)column * stored, values);
            Require(tensor, column, NotFinite.IndexIn(values));
            for (var row = 0; row < rows; row++)
                dense.Row(row)[column] = values[order.FileRow(row)];
        }
        return dense;
    }

    private static void Require(HfTensor tensor, int row, int at)
    {
        if (at >= 0)
            throw new InvalidDataException($"{tensor.FilePath}: tensor '{tensor.Name}': row {row}: found a value that is not finite in column {at}, expected finite numbers");
    }
}
