namespace Vernier.Kernels;

/// <summary>A weight [rows = out features, columns = in features] that the matrix products read tile by tile as fp32.
/// The one seam between a way to hold a weight (dense, packed, LoRA merged on the fly, fake-quantized) and the products:
/// no full-precision copy of a packed weight ever exists in memory.</summary>
internal abstract unsafe class WeightMatrix : IDisposable
{
    /// <summary>A weight of this size.</summary>
    protected WeightMatrix(int rows, int columns)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rows);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(columns);
        Rows = rows;
        Columns = columns;
    }

    /// <summary>Output features.</summary>
    public int Rows { get; }

    /// <summary>Input features.</summary>
    public int Columns { get; }

    /// <summary>Bytes held in memory.</summary>
    public abstract long Bytes { get; }

    /// <summary>Writes the effective weight of [row, row + rows) x [column, column + columns), row-major with leading dimension
    /// <paramref name="stride"/>. Safe to call from several threads at once.</summary>
    /// <param name="destination">At least (rows - 1) * stride + columns elements.</param>
    /// <param name="stride">Elements from one row to the next, at least <paramref name="columns"/>.</param>
    public abstract void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride);

    /// <summary>Somebody goes back to this weight later: until that ends, whoever replaces it does not free it. <see cref="Dispose"/> does nothing meanwhile.</summary>
    public bool IsKept { get; set; }

    /// <summary>The whole effective weight, [rows, columns] row-major.</summary>
    public float[] ToArray()
    {
        var all = new float[checked(Rows * Columns)];
        ReadTile(0, Rows, 0, Columns, all, Columns);
        return all;
    }

    /// <summary>The weight itself where it is held as fp32, row-major without gaps; otherwise null.</summary>
    internal virtual float* DensePointer => null;

    /// <summary>Refuses rows or columns that are not there.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the matrix.</exception>
    protected void CheckRange(int row, int rows, int column, int columns)
    {
        if (row < 0 || rows < 0 || row > Rows - rows || column < 0 || columns < 0 || column > Columns - columns)
            throw new ArgumentOutOfRangeException(nameof(row), $"[{row}, +{rows}) x [{column}, +{columns}) leaves a matrix of {Rows} x {Columns}.");
    }

    /// <summary>Refuses a tile that leaves the matrix or does not fit its destination.</summary>
    /// <exception cref="ArgumentException">The destination is too small, or the stride below the columns.</exception>
    protected void CheckTile(int row, int rows, int column, int columns, int destination, int stride)
    {
        CheckRange(row, rows, column, columns);
        if (stride < columns || (rows > 0 && (rows - 1) * (long)stride + columns > destination))
            throw new ArgumentException($"A tile of {rows} x {columns} with stride {stride} does not fit {destination} elements.", nameof(destination));
    }

    /// <inheritdoc/>
    public virtual void Dispose() => GC.SuppressFinalize(this);
}
