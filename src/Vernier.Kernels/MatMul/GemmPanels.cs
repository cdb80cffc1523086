using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>An operand as <see cref="GemmDriver"/> sees it: element (index, depth), where depth is what the product sums over.</summary>
internal unsafe interface IPanelSource
{
    /// <summary>Packs the indices [index, index + count) over [depth, depth + depths) into panels of <paramref name="width"/>
    /// indices each, every panel [depths, width], the last one padded with zeros.</summary>
    void Pack(int index, int count, int depth, int depths, int width, float* panels);
}

/// <summary>Operand with element (index, depth) at Pointer[index * Stride + depth].</summary>
internal readonly unsafe struct RowSource(float* pointer, long stride) : IPanelSource
{
    public void Pack(int index, int count, int depth, int depths, int width, float* panels)
    {
        for (; count > 0; index += width, count -= width, panels += (long)depths * width)
            GemmPanels.Transpose(pointer + index * stride + depth, stride, Math.Min(width, count), depths, width, panels);
    }
}

/// <summary>Operand with element (index, depth) at Pointer[depth * Stride + index].</summary>
internal readonly unsafe struct ColumnSource(float* pointer, long stride) : IPanelSource
{
    public void Pack(int index, int count, int depth, int depths, int width, float* panels) =>
        GemmPanels.Interleave(pointer + depth * stride + index, stride, count, depths, depths, width, panels);
}

/// <summary>A weight as operand of Y = X Ŵᵀ: index = row, depth = column. Dequantized here, a few rows at a time in the first-level cache.</summary>
internal readonly unsafe struct WeightRowSource(WeightMatrix weight) : IPanelSource
{
    private const int RowsAtOnce = 8;

    [SkipLocalsInit]
    public void Pack(int index, int count, int depth, int depths, int width, float* panels)
    {
        if (weight.DensePointer is not null and var dense)
        {
            new RowSource(dense, weight.Columns).Pack(index, count, depth, depths, width, panels);
            return;
        }
        var tile = stackalloc float[RowsAtOnce * GemmDriver.MaxDepth];
        for (; count > 0; index += width, count -= width, panels += (long)depths * width)
        {
            var rows = Math.Min(width, count);
            if (rows < width)
                GemmPanels.Clear(panels, (long)depths * width);
            for (var r = 0; r < rows; r += RowsAtOnce)
            {
                var part = Math.Min(RowsAtOnce, rows - r);
                weight.ReadTile(index + r, part, depth, depths, new Span<float>(tile, part * depths), depths);
                GemmPanels.TransposeInto(tile, depths, part, depths, width, panels + r);
            }
        }
    }
}

/// <summary>A weight as operand of dX = dY Ŵ: index = column, depth = row.</summary>
internal readonly unsafe struct WeightColumnSource(WeightMatrix weight) : IPanelSource
{
    private const int RowsAtOnce = 8;

    [SkipLocalsInit]
    public void Pack(int index, int count, int depth, int depths, int width, float* panels)
    {
        if (weight.DensePointer is not null and var dense)
        {
            new ColumnSource(dense, weight.Columns).Pack(index, count, depth, depths, width, panels);
            return;
        }
        var tile = stackalloc float[RowsAtOnce * GemmDriver.MaxWidth];
        for (var d = 0; d < depths; d += RowsAtOnce)
        {
            var rows = Math.Min(RowsAtOnce, depths - d);
            weight.ReadTile(depth + d, rows, index, count, new Span<float>(tile, rows * count), count);
            GemmPanels.Interleave(tile, count, count, rows, depths, width, panels + (long)d * width);
        }
    }
}

/// <summary>Moves operands into panels.</summary>
internal static unsafe class GemmPanels
{
    public static void Clear(float* p, long count) => new Span<float>(p, checked((int)count)).Clear();

    /// <summary>One panel [depths, width] of <paramref name="rows"/> ≤ width rows, padded with zeros.</summary>
    public static void Transpose(float* source, long stride, int rows, int depths, int width, float* panel)
    {
        if (rows < width)
            Clear(panel, (long)depths * width);
        TransposeInto(source, stride, rows, depths, width, panel);
    }

    /// <summary>panel[d * width + r] = source[r * stride + d] for the given rows; other lanes stay.</summary>
    public static void TransposeInto(float* source, long stride, int rows, int depths, int width, float* panel)
    {
        var row = 0;
        if (Avx.IsSupported)
            for (; row + 8 <= rows; row += 8)
                TransposeEight(source + row * stride, stride, depths, width, panel + row);
        if (Vector128.IsHardwareAccelerated && rows >= 4)
            while (row < rows)
            {
                row = Math.Min(row, rows - 4); // the last four overlap the ones before rather than go one by one
                TransposeFour(source + row * stride, stride, depths, width, panel + row);
                row += 4;
            }
        for (; row < rows; row++)
            for (var d = 0; d < depths; d++)
                panel[d * width + row] = source[row * stride + d];
    }

    // Blocks of 4 x 4 by two rounds of zips, two blocks side by side in the halves of a register.
    [MethodImpl(Kernel.Body)]
    private static void TransposeEight(float* source, long stride, int depths, int width, float* panel)
    {
        var lower = source + 4 * stride;
        var d = 0;
        for (; d + 4 <= depths; d += 4, panel += 4 * width)
        {
            var x0 = Vector256.Create(Vector128.Load(source + d), Vector128.Load(lower + d));
            var x1 = Vector256.Create(Vector128.Load(source + stride + d), Vector128.Load(lower + stride + d));
            var x2 = Vector256.Create(Vector128.Load(source + 2 * stride + d), Vector128.Load(lower + 2 * stride + d));
            var x3 = Vector256.Create(Vector128.Load(source + 3 * stride + d), Vector128.Load(lower + 3 * stride + d));
            var (l02, h02) = (Avx.UnpackLow(x0, x2), Avx.UnpackHigh(x0, x2));
            var (l13, h13) = (Avx.UnpackLow(x1, x3), Avx.UnpackHigh(x1, x3));
            Avx.UnpackLow(l02, l13).Store(panel);
            Avx.UnpackHigh(l02, l13).Store(panel + width);
            Avx.UnpackLow(h02, h13).Store(panel + 2 * width);
            Avx.UnpackHigh(h02, h13).Store(panel + 3 * width);
        }
        for (; d < depths; d++, panel += width)
            for (var r = 0; r < 8; r++)
                panel[r] = source[r * stride + d];
    }

    [MethodImpl(Kernel.Body)]
    private static void TransposeFour(float* source, long stride, int depths, int width, float* panel)
    {
        var d = 0;
        for (; d + 4 <= depths; d += 4, panel += 4 * width)
        {
            var (x0, x1) = (Vector128.Load(source + d), Vector128.Load(source + stride + d));
            var (x2, x3) = (Vector128.Load(source + 2 * stride + d), Vector128.Load(source + 3 * stride + d));
            var (l02, h02) = (ZipLow(x0, x2), ZipHigh(x0, x2));
            var (l13, h13) = (ZipLow(x1, x3), ZipHigh(x1, x3));
            ZipLow(l02, l13).Store(panel);
            ZipHigh(l02, l13).Store(panel + width);
            ZipLow(h02, h13).Store(panel + 2 * width);
            ZipHigh(h02, h13).Store(panel + 3 * width);
        }
        for (; d < depths; d++, panel += width)
            for (var r = 0; r < 4; r++)
                panel[r] = source[r * stride + d];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipLow(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackLow(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipLow(a, b)
        : Vector128.Create(a[0], b[0], a[1], b[1]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ZipHigh(Vector128<float> a, Vector128<float> b) =>
        Sse.IsSupported ? Sse.UnpackHigh(a, b)
        : AdvSimd.Arm64.IsSupported ? AdvSimd.Arm64.ZipHigh(a, b)
        : Vector128.Create(a[2], b[2], a[3], b[3]);

    /// <summary>Cuts rows [rows, count] into panels of <paramref name="width"/> columns; panel p, row d goes to
    /// panels[(p * panelRows + d) * width], padded with zeros.</summary>
    [MethodImpl(Kernel.Body)]
    public static void Interleave(float* source, long stride, int count, int rows, int panelRows, int width, float* panels)
    {
        for (var column = 0; column < count; column += width, panels += (long)panelRows * width)
        {
            var columns = Math.Min(width, count - column);
            for (var d = 0; d < rows; d++)
            {
                var line = panels + (long)d * width;
                Copy(source + d * stride + column, columns, line);
                for (var c = columns; c < width; c++)
                    line[c] = 0;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(float* from, int count, float* to)
    {
        var i = 0;
        if (Vector512.IsHardwareAccelerated)
            for (; i + 16 <= count; i += 16)
                Vector512.Load(from + i).Store(to + i);
        if (Vector128.IsHardwareAccelerated)
            for (; i + 4 <= count; i += 4)
                Vector128.Load(from + i).Store(to + i);
        for (; i < count; i++)
            to[i] = from[i];
    }
}
