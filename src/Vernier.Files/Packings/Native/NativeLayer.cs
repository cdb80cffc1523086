using System.Runtime.InteropServices;
using Vernier.Files.Disk;
using Vernier.Files.HuggingFace;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Files.Packings.Native;

/// <summary>A packed matrix in a native folder. Tensors of MODULE:
/// <list type="number">
/// <item>codes, bytes [rows, ⌈columns · bits / 8⌉]: each row is a little-endian stream of codes of columns 0, 1, 2, ...</item>
/// <item>scale, fp32 [rows, groups]</item>
/// <item>offset, fp32 [rows, groups]: the weight is scale · code + offset</item>
/// <item>group_index, 32-bit integers [columns]: the group of each column, where groups are not runs of columns</item>
/// </list></summary>
internal static class NativeLayer
{
    /// <summary>What the config says of a matrix.</summary>
    public static PackedLayout Describe(PackedMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        return new(matrix.Rows, matrix.Columns, matrix.Bits, matrix.GroupSize, matrix.Codebook.IsEmpty ? null : matrix.Codebook.ToArray(), !matrix.GroupIndex.IsEmpty);
    }

    /// <summary>The tensors in the order of <see cref="Write"/>.</summary>
    public static IReadOnlyList<SafetensorsPlan> Plan(string module, PackedLayout matrix)
    {
        ArgumentNullException.ThrowIfNull(matrix);
        List<SafetensorsPlan> plans =
        [
            new(module + ".codes", ElementType.U8, [matrix.Rows, matrix.RowBytes]),
            new(module + ".scale", ElementType.F32, [matrix.Rows, matrix.Groups]),
            new(module + ".offset", ElementType.F32, [matrix.Rows, matrix.Groups]),
        ];
        if (matrix.ActivationOrder)
            plans.Add(new(module + ".group_index", ElementType.I32, [matrix.Columns]));
        return plans;
    }

    /// <summary>Writes the tensors.</summary>
    public static void Write(SafetensorsWriter writer, PackedMatrix matrix)
    {
        ArgumentNullException.ThrowIfNull(writer);
        var layout = Describe(matrix);
        var codes = new byte[matrix.Columns];
        var words = new uint[BitStream.Words(matrix.Columns, matrix.Bits)];
        for (var row = 0; row < matrix.Rows; row++)
        {
            matrix.ReadCodes(row, 0, codes);
            Array.Clear(words);
            BitStream.Pack(codes, 1, matrix.Bits, codes.Length, words, 1);
            writer.Write(MemoryMarshal.AsBytes(words.AsSpan())[..layout.RowBytes]);
        }
        var (scale, offset) = matrix.Scales.ToArrays();
        writer.Write(scale, ElementType.F32);
        writer.Write(offset, ElementType.F32);
        writer.Write(MemoryMarshal.AsBytes(matrix.GroupIndex));
    }

    /// <summary>Reads a matrix.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, of another shape or type, or a scale is not finite.</exception>
    public static PackedMatrix Read(HfFolder folder, string module, PackedLayout layout)
    {
        var stream = Codes(folder, module, layout);
        var (scale, offset) = (folder.Get(module + ".scale", layout.Rows, layout.Groups), folder.Get(module + ".offset", layout.Rows, layout.Groups));
        var packed = new PackedMatrix(layout.Rows, layout.Columns, layout.Bits, layout.GroupSize, layout.Codebook?.ToArray(),
            layout.ActivationOrder ? QuantizedTensors.GroupIndex(folder.Get(module + ".group_index"), layout.Columns, layout.GroupSize) : null);
        var codes = new byte[layout.Columns];
        for (var row = 0; row < layout.Rows; row++)
        {
            stream(row, codes);
            packed.SetRowCodes(row, codes);
        }
        var (scales, offsets) = (packed.TunedScales.Scale, packed.TunedScales.Offset);
        scale.ReadSingles(0, scales.Span);
        offset.ReadSingles(0, offsets.Span);
        var largest = layout.Codebook is null ? (1 << layout.Bits) - 1 : layout.Codebook.Max(MathF.Abs);
        if (NotFinite.GroupIn(scales.Span, offsets.Span, largest) is >= 0 and var bad)
        {
            var found = $"a weight that is not finite (scale {scales.Span[bad]}, offset {offsets.Span[bad]}) in row {bad / layout.Groups}, group {bad % layout.Groups}";
            packed.Dispose();
            throw Damaged.File(scale.FilePath, $"tensor '{scale.Name}'", found, "finite numbers");
        }
        packed.StoreScales(halves: false);
        return packed;
    }

    /// <summary>Reads the codes of a row, one a byte, without making a matrix.</summary>
    /// <exception cref="InvalidDataException">The codes are missing, or of another shape or type.</exception>
    public static Action<int, Span<byte>> Codes(HfFolder folder, string module, PackedLayout layout)
    {
        ArgumentNullException.ThrowIfNull(folder);
        ArgumentNullException.ThrowIfNull(layout);
        var tensor = folder.Get(module + ".codes", layout.Rows, layout.RowBytes);
        if (tensor.Type != ElementType.U8)
            throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", $"{tensor.Type}", "U8");
        var words = new uint[BitStream.Words(layout.Columns, layout.Bits)];
        return (row, codes) =>
        {
            tensor.ReadElements((long)row * layout.RowBytes, MemoryMarshal.AsBytes(words.AsSpan())[..layout.RowBytes]);
            BitStream.Unpack(words, 1, layout.Bits, layout.Columns, codes, 1);
        };
    }
}
