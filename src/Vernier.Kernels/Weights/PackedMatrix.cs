using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>A quantized weight: unsigned codes of 2 to 8 bits that never change, and scales. Other scales for the same codes are another matrix,
/// <see cref="WithScales(StoredScales)"/>, which shares them: that is what a task is, and what a product takes.
/// Effective weight of row i, column j in group G: Scale[i, G] * value + Offset[i, G], one rounding, where value is the code or,
/// with a codebook, the codebook's entry. Groups are runs of <see cref="GroupSize"/> consecutive columns; the last one may be shorter;
/// only where <see cref="GroupIndex"/> is given (columns quantized in the order of their importance) they are any sets of columns.
/// Rows are packed as <see cref="CodePlanes"/> says and padded with zeros to whole chunks of 64 codes; columns lie in their own order,
/// or in <see cref="Order"/>, which only integer products see: whoever reads or writes codes and tiles names columns as the file does.</summary>
internal sealed unsafe class PackedMatrix : WeightMatrix
{
    /// <summary>Columns of a block, which share a scale of the activations in integer arithmetic.</summary>
    public const int BlockSize = 32;

    /// <summary>Columns of the smallest groups of integer arithmetic, half a block.</summary>
    public const int HalfBlockSize = BlockSize / 2;

    private const int ChunksAtOnce = 16;
    private const int MostGroupsAtOnce = ChunksAtOnce * CodePlanes.Chunk / HalfBlockSize + 1; // of scales that are not fp32

    private readonly NativeBuffer<byte> _codes;
    private readonly float[]? _codebook;
    private readonly int[]? _groupIndex;

    [ThreadStatic]
    private static NativeBuffer<float>? t_row;

    private ScaleView _scales;

    /// <param name="groupSize">Columns that share a scale; 0 = one group for the whole row (per channel).</param>
    /// <param name="codebook">At most 16 values that codes stand for (IQ4_NL, MXFP4, NF4), at least 2^bits of them; null = the codes themselves.</param>
    /// <param name="groupIndex">[columns]: the group of each column; null = column j has group j / groupSize.</param>
    /// <param name="scales">Taken over; null = zeros in fp32, to be written and then stored.</param>
    /// <param name="factorGroupSize">See <see cref="FactorGroupSize"/>; 0 = <paramref name="groupSize"/>.</param>
    /// <exception cref="ArgumentException">The codebook does not fit the bits, the index not the columns and groups, the scales not the groups, or the groups of factors are not made of whole groups.</exception>
    public PackedMatrix(int rows, int columns, int bits, int groupSize, float[]? codebook = null, int[]? groupIndex = null, StoredScales? scales = null, int factorGroupSize = 0)
        : base(rows, columns)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, 8);
        ArgumentOutOfRangeException.ThrowIfNegative(groupSize);
        Bits = bits;
        GroupSize = groupSize == 0 ? columns : Math.Min(groupSize, columns);
        Groups = (columns - 1) / GroupSize + 1;
        FactorGroupSize = factorGroupSize == 0 ? GroupSize : factorGroupSize;
        if (FactorGroupSize % GroupSize != 0 || FactorGroupSize != GroupSize && groupIndex is not null)
            throw new ArgumentException($"Factors of {factorGroupSize} columns do not fit groups of {GroupSize}.", nameof(factorGroupSize));
        if (codebook is not null)
        {
            if (bits > 4 || codebook.Length < 1 << bits || codebook.Length > 16)
                throw new ArgumentException($"A codebook of {codebook.Length} values does not serve codes of {bits} bits.", nameof(codebook));
            _codebook = new float[16];
            codebook.CopyTo(_codebook, 0);
            IntegerCodes = bits == 4 ? IntegerCodebook.Of(_codebook) : null;
        }
        if (groupIndex is not null)
        {
            if (groupIndex.Length != columns || groupIndex.AsSpan().ContainsAnyExceptInRange(0, Groups - 1))
                throw new ArgumentException($"The groups of {groupIndex.Length} columns do not fit {columns} columns in {Groups} groups.", nameof(groupIndex));
            for (var column = 0; column < columns && _groupIndex is null; column++)
                if (groupIndex[column] != column / GroupSize)
                    _groupIndex = [.. groupIndex];
        }
        if (_groupIndex is not null && (Order = ColumnOrder.Of(_groupIndex, GroupSize)) is not null)
            _groupIndex = null;
        RowBytes = checked((columns - 1) / CodePlanes.Chunk + 1) * CodePlanes.ChunkBytes(bits);
        _codes = new NativeBuffer<byte>((long)rows * RowBytes, isWeight: true);
        _scales = scales?.View ?? new TunedScales(rows, Groups, staysFloat: Bits != 4 || !HasBlockGroups).View;
        CheckScales(_scales);
    }

    private PackedMatrix(PackedMatrix source, ScaleView scales)
        : base(source.Rows, source.Columns)
    {
        source.CheckScales(scales);
        (Bits, GroupSize, Groups, RowBytes, Order) = (source.Bits, source.GroupSize, source.Groups, source.RowBytes, source.Order);
        FactorGroupSize = source.FactorGroupSize;
        (_codebook, IntegerCodes, _groupIndex, _scales) = (source._codebook, source.IntegerCodes, source._groupIndex, scales);
        _codes = source._codes.Share();
    }

    /// <summary>Bits of a code.</summary>
    public int Bits { get; }

    /// <summary>Columns that share a scale.</summary>
    public int GroupSize { get; }

    /// <summary>Groups in a row.</summary>
    public int Groups { get; }

    /// <summary>Columns whose scales the file that the matrix came from can only change together, by one factor: those of a K-quant's super-block,
    /// whose groups share one fp16 scale. A whole number of groups; <see cref="GroupSize"/> where every group has a scale of its own.</summary>
    public int FactorGroupSize { get; }

    /// <summary>The 16 values that codes stand for, or empty where a code stands for itself.</summary>
    public ReadOnlySpan<float> Codebook => _codebook;

    /// <summary>[columns]: the group of each column; empty where column j has group j / <see cref="GroupSize"/>.</summary>
    public ReadOnlySpan<int> GroupIndex => Order is null ? _groupIndex : Order.Groups;

    /// <summary>The order in which codes lie, for integer products: groups are runs of columns in it. Null = their own, as there is no <see cref="GroupIndex"/>
    /// or the groups differ in size.</summary>
    public ColumnOrder? Order { get; }

    /// <summary>The group of a column.</summary>
    public int GroupOf(int column) => GroupIndex.IsEmpty ? column / GroupSize : GroupIndex[column];

    /// <summary>The scales, to be read.</summary>
    public ScaleView Scales => _scales;

    /// <summary>The scales, to be changed: while the matrix is being made, and of one that is tuned.</summary>
    /// <exception cref="InvalidOperationException">They are <see cref="StoredScales"/>, which never change.</exception>
    public TunedScales TunedScales => _scales.Tuned ?? throw new InvalidOperationException("These scales are as a file has them: tune a copy, WithScales(new TunedScales(Scales)).");

    /// <inheritdoc/>
    public override long Bytes => _codes.Length + _scales.Bytes;

    /// <summary>Bytes that an integer product with one token reads.</summary>
    public long BytesRead => _codes.Length + _scales.BytesRead;

    /// <summary>What codes are in integer products; null where they are themselves, and where the values of the codebook are no such integers.</summary>
    internal IntegerCodebook? IntegerCodes { get; }

    /// <summary>Bits of a code in integer products.</summary>
    internal int IntegerBits => IntegerCodes?.Bits ?? Bits;

    /// <summary>Whether integer products are possible: codes stand for integers, and groups are runs of whole blocks of columns, if need be in
    /// <see cref="Order"/>, or halves of blocks, or the whole row.</summary>
    internal bool HasIntegerGroups => (Codebook.IsEmpty || IntegerCodes is not null) && (GroupIndex.IsEmpty || Order is not null) && (Groups == 1 || GroupSize % BlockSize == 0 || HasHalfGroups);

    /// <summary>Whether these groups are halves of blocks.</summary>
    internal bool HasHalfGroups => GroupSize == HalfBlockSize && Groups > 1 && GroupIndex.IsEmpty;

    /// <summary>Whether these groups are single blocks, several to a row.</summary>
    internal bool HasBlockGroups => GroupSize == BlockSize && Groups > 1 && HasIntegerGroups;

    /// <summary>Whether products read scales in fp16: integer ones do for one token in groups of 32, where codes of 4 bits are then read in 18 bytes a group and not 20.</summary>
    public bool ReadsHalves => HasBlockGroups;

    /// <summary>The same codes with other scales.</summary>
    /// <param name="scales">They belong to the new matrix. In fp16 only where <see cref="ReadsHalves"/>.</param>
    /// <exception cref="ArgumentException">The shape differs, or the scales are in fp16 and cannot be read so.</exception>
    public PackedMatrix WithScales(StoredScales scales)
    {
        ArgumentNullException.ThrowIfNull(scales);
        return new(this, scales.View);
    }

    /// <inheritdoc cref="WithScales(StoredScales)"/>
    public PackedMatrix WithScales(TunedScales scales)
    {
        ArgumentNullException.ThrowIfNull(scales);
        return new(this, scales.View);
    }

    /// <summary>The same codes with scales rounded for inference in integers, see <see cref="TunedScales.Rounded"/>.</summary>
    /// <returns>Null where they are not tuned ones, no product reads halves, or a half is too coarse.</returns>
    public PackedMatrix? WithRoundedScales() => ReadsHalves && _scales.Tuned?.Rounded() is { } rounded ? WithScales(rounded) : null;

    /// <summary>Ends the making of a matrix: its scales do not change any more. They are kept in fp16 where that loses nothing and products read them so.</summary>
    /// <param name="halves">False = in fp32.</param>
    public void StoreScales(bool halves = true)
    {
        if (_scales.Tuned is not { } made)
            return;
        _scales = (halves && ReadsHalves ? made.ToHalves() : null)?.View ?? made.ToStored().View;
        made.Dispose();
    }

    private void CheckScales(ScaleView scales)
    {
        if (scales.Rows != Rows || scales.Groups != Groups)
            throw new ArgumentException($"Scales of {scales.Rows} x {scales.Groups} do not fit a matrix of {Rows} rows and {Groups} groups.", nameof(scales));
        if (scales.IsHalf && !ReadsHalves)
            throw new ArgumentException($"Scales in fp16 are read in groups of {BlockSize} columns, not of {GroupSize}.", nameof(scales));
        if (ScaleForms.GroupsOf(scales.Form) > 1 && (_groupIndex is not null || GroupSize is not HalfBlockSize and not BlockSize))
            throw new ArgumentException($"Scales of two levels are read in runs of {HalfBlockSize} or {BlockSize} columns, not of {GroupSize}.", nameof(scales));
    }

    /// <summary>Bytes from one packed row to the next.</summary>
    internal int RowBytes { get; }

    /// <summary>The packed codes of one row.</summary>
    internal byte* RowPointer(int row) => _codes.Pointer + (long)row * RowBytes;

    /// <summary>Stores the codes of one row. Only for building the matrix: codes are frozen afterwards.</summary>
    /// <param name="codes">[columns], each below 2^bits.</param>
    /// <exception cref="ArgumentException">Too few codes, or one that needs more bits.</exception>
    public void SetRowCodes(int row, ReadOnlySpan<byte> codes)
    {
        CheckRange(row, 1, 0, Columns);
        if (codes.Length < Columns)
            throw new ArgumentException($"{codes.Length} codes for a row of {Columns}.", nameof(codes));
        codes = codes[..Columns];
        if (Bits < 8 && codes.ContainsAnyExceptInRange((byte)0, (byte)((1 << Bits) - 1)))
            throw new ArgumentException($"A code of row {row} needs more than {Bits} bits.", nameof(codes));
        if (Order is not null)
        {
            var arranged = new Span<byte>(RowScratch(), Columns);
            for (var place = 0; place < Columns; place++)
                arranged[place] = codes[Order.Columns[place]];
            codes = arranged;
        }
        var chunk = stackalloc byte[CodePlanes.Chunk];
        var packed = RowPointer(row);
        for (; codes.Length > 0; packed += CodePlanes.ChunkBytes(Bits))
        {
            var part = codes[..Math.Min(CodePlanes.Chunk, codes.Length)];
            var line = new Span<byte>(chunk, CodePlanes.Chunk);
            part.CopyTo(line);
            line[part.Length..].Clear();
            CodePlanes.Pack(chunk, Bits, packed);
            codes = codes[part.Length..];
        }
    }

    /// <summary>Reads the codes [column, column + destination.Length) of one row, one a byte.</summary>
    [SkipLocalsInit]
    public void ReadCodes(int row, int column, Span<byte> destination)
    {
        CheckRange(row, 1, column, destination.Length);
        if (Order is not null)
        {
            var arranged = (byte*)RowScratch();
            Unpack(row, 0, Columns, arranged);
            for (var i = 0; i < destination.Length; i++)
                destination[i] = arranged[Order.Places[column + i]];
            return;
        }
        var codes = stackalloc byte[ChunksAtOnce * CodePlanes.Chunk];
        while (destination.Length > 0)
        {
            var skip = column % CodePlanes.Chunk;
            var count = Math.Min(destination.Length, ChunksAtOnce * CodePlanes.Chunk - skip);
            Unpack(row, column / CodePlanes.Chunk, skip + count, codes);
            new ReadOnlySpan<byte>(codes + skip, count).CopyTo(destination);
            destination = destination[count..];
            column += count;
        }
    }

    /// <inheritdoc/>
    public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
    {
        CheckTile(row, rows, column, columns, destination.Length, stride);
        fixed (float* to = destination)
        {
            if (Order is null)
            {
                ReadPlaces(row, rows, column, columns, to, stride);
                return;
            }
            // A tile's columns lie all over their row: one gather of weights costs less than gathers of codes, scales and offsets.
            var whole = RowScratch();
            for (var r = 0; r < rows; r++)
            {
                ReadPlaces(row + r, 1, 0, Columns, whole, Columns);
                Order.Restore(whole, column, columns, to + (long)r * stride);
            }
        }
    }

    // A tile of columns as they lie.
    [SkipLocalsInit]
    private void ReadPlaces(int row, int rows, int column, int columns, float* to, int stride)
    {
        var codes = stackalloc byte[ChunksAtOnce * CodePlanes.Chunk];
        var widened = stackalloc float[2 * MostGroupsAtOnce];
        fixed (int* index = _groupIndex)
        fixed (float* codebook = _codebook)
            for (var r = 0; r < rows; r++)
            {
                var at = (long)(row + r) * Groups;
                var scale = (float*)_scales.ScalePointer + at;
                var offset = (float*)_scales.OffsetPointer + at;
                var line = to + (long)r * stride;
                for (var done = 0; done < columns;)
                {
                    var start = column + done;
                    var skip = start % CodePlanes.Chunk;
                    var count = Math.Min(columns - done, ChunksAtOnce * CodePlanes.Chunk - skip);
                    Unpack(row + r, start / CodePlanes.Chunk, skip + count, codes);
                    if (_scales.Form != ScaleForm.Float)
                    {
                        var group = start / GroupSize;
                        _scales.Read(at + group, (start + count - 1) / GroupSize - group + 1, widened, widened + MostGroupsAtOnce);
                        scale = widened - group;
                        offset = scale + MostGroupsAtOnce;
                    }
                    if (index is null)
                        CodesToFloats.Convert(codes + skip, start, count, GroupSize, scale, offset, codebook, line + done);
                    else
                        CodesToFloats.Convert(codes + skip, index + start, count, scale, offset, codebook, line + done);
                    done += count;
                }
            }
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (IsKept)
            return;
        _codes.Dispose();
        _scales.Stored?.Dispose();
        _scales.Tuned?.Dispose();
        base.Dispose();
    }

    private float* RowScratch() => Scratch.Get(ref t_row, WorkSplit.RoundUp(Columns, CodePlanes.Chunk));

    private void Unpack(int row, int chunk, int codes, byte* destination) =>
        CodePlanes.Unpack(RowPointer(row) + (long)chunk * CodePlanes.ChunkBytes(Bits), (codes - 1) / CodePlanes.Chunk + 1, Bits, destination);
}
