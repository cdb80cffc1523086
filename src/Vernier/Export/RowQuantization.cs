using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Quantization.Blocks;

namespace Vernier.Export;

/// <summary>The rows of a tensor from floats to blocks, by all workers of a pool; rows do not depend on one another.</summary>
/// <param name="weights">[matrices, columns], or empty.</param>
internal struct RowQuantization(QuantizableTensor tensor, BlockFormat format, float[] weights, WorkShares shares, CancellationToken cancel) : IParallelJob
{
    // Without importances the formats with a rounding of ggml's own keep its bits; 8 bits have nothing to choose.
    private readonly BlockQuantizer? _search = weights.Length == 0 && format.CanQuantize || format.Name == "Q8_0" ? null : BlockQuantizer.Find(format);
    private readonly int _rowBytes = checked((int)format.BytesOf(tensor.Columns));
    private readonly int _matrixRows = tensor.Rows / tensor.Matrices;
    private int _first;

    /// <summary>The blocks of the rows of this run.</summary>
    public byte[] Bytes { get; private set; } = [];

    /// <summary>‖w - ŵ‖² and ‖w‖² of each row of the tensor.</summary>
    public double[] Errors { get; } = new double[tensor.Rows];

    /// <inheritdoc cref="Errors"/>
    public double[] Sizes { get; } = new double[tensor.Rows];

    /// <summary>Sets which rows the next run takes.</summary>
    public void Set(int first, int rows)
    {
        _first = first;
        Bytes = new byte[rows * _rowBytes];
        shares.Deal(rows, 1);
    }

    public readonly void Execute(int worker, int workers)
    {
        var (values, back) = (new float[tensor.Columns], new float[tensor.Columns]);
        while (shares.Take(worker, out var start, out var end))
            for (var row = start; row < end; row++)
            {
                cancel.ThrowIfCancellationRequested();
                Quantize(_first + row, values, back, Bytes.AsSpan(row * _rowBytes, _rowBytes));
            }
    }

    private readonly void Quantize(int row, float[] values, float[] back, Span<byte> bytes)
    {
        tensor.ReadRow(row, values);
        Require(row, values);
        if (_search is null)
            format.Quantize(values, bytes);
        else
            _search.Quantize(values, weights.Length == 0 ? [] : weights.AsSpan(row / _matrixRows * tensor.Columns, tensor.Columns), bytes);
        format.Dequantize(bytes, back);
        for (var i = 0; i < values.Length; i++)
        {
            Errors[row] += ((double)values[i] - back[i]) * ((double)values[i] - back[i]);
            Sizes[row] += (double)values[i] * values[i];
        }
    }

    private readonly void Require(int row, float[] values)
    {
        if (NotFinite.IndexIn(values) is >= 0 and var bad)
            throw new InvalidDataException($"{tensor.Place}: row {row}: found {values[bad]} in column {bad}, expected finite numbers");
        var most = (float)Half.MaxValue;
        if (Array.FindIndex(values, v => MathF.Abs(v) > most) is >= 0 and var large)
            throw new InvalidDataException($"{tensor.Place}: row {row}: found {values[large]} in column {large}, expected at most {most}: {format.Name} holds fp16 numbers");
    }
}
