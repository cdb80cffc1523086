using System.Numerics;
using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>A weight stored in 16 bits an element, row-major [rows, columns], computed with in fp32. Conversion to fp32 is exact.</summary>
internal sealed unsafe class HalfMatrix : WeightMatrix
{
    private readonly NativeBuffer<ushort> _values;

    /// <summary>A matrix of zeros.</summary>
    public HalfMatrix(int rows, int columns, HalfFormat format)
        : base(rows, columns)
    {
        Format = format;
        _values = new NativeBuffer<ushort>((long)rows * columns);
    }

    /// <summary>How the 16 bits are to be read.</summary>
    public HalfFormat Format { get; }

    /// <inheritdoc/>
    public override long Bytes => _values.Length * sizeof(ushort);

    /// <summary>The bits of one row, writable.</summary>
    public Span<ushort> Row(int row) => _values.Slice((long)row * Columns, Columns);

    /// <inheritdoc/>
    public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
    {
        CheckTile(row, rows, column, columns, destination.Length, stride);
        fixed (float* to = destination)
            for (var r = 0; r < rows; r++)
            {
                var from = _values.Pointer + (long)(row + r) * Columns + column;
                if (Format == HalfFormat.Bf16)
                    WidenBf16(from, columns, to + (long)r * stride);
                else
                    HalfConversion.Widen((Half*)from, columns, to + (long)r * stride);
            }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (IsKept)
            return;
        _values.Dispose();
        base.Dispose();
    }

    [MethodImpl(Kernel.Body)]
    private static void WidenBf16(ushort* from, int count, float* to)
    {
        var i = 0;
        if (Vector.IsHardwareAccelerated)
            for (; i <= count - Vector<ushort>.Count; i += Vector<ushort>.Count)
            {
                Vector.Widen(Vector.Load(from + i), out var low, out var high);
                Vector.AsVectorSingle(low << 16).Store(to + i);
                Vector.AsVectorSingle(high << 16).Store(to + i + Vector<float>.Count);
            }
        for (; i < count; i++)
            to[i] = BitConverter.UInt32BitsToSingle((uint)from[i] << 16);
    }
}
