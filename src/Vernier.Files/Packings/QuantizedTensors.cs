using System.Runtime.InteropServices;
using System.Text.Json;
using Vernier.Files.Disk;
using Vernier.Files.HuggingFace;
using Vernier.Files.Tensors;

namespace Vernier.Files.Packings;

/// <summary>What the readers and writers of quantized layers share: tensors with checked shapes, settings with checked values.</summary>
internal static class QuantizedTensors
{
    /// <summary>A matrix of 32-bit words.</summary>
    public static uint[] Words(HfFolder folder, string name, long rows, long columns)
    {
        var tensor = folder.Get(name, rows, columns);
        if (tensor.Type is not (ElementType.I32 or ElementType.U32))
            throw Damaged.File(tensor.FilePath, $"tensor '{name}'", $"{tensor.Type}", "32-bit words");
        var words = new uint[checked((int)tensor.Elements)];
        tensor.ReadElements(0, MemoryMarshal.AsBytes(words.AsSpan()));
        return words;
    }

    /// <summary>The sizes of a matrix.</summary>
    public static (int Rows, int Columns) Matrix(HfFolder folder, string name)
    {
        var tensor = folder.Get(name);
        return tensor.Shape is [> 0 and <= int.MaxValue, > 0 and <= int.MaxValue]
            ? ((int)tensor.Shape[0], (int)tensor.Shape[1])
            : throw Damaged.File(tensor.FilePath, $"tensor '{name}'", $"shape [{string.Join(", ", tensor.Shape)}]", "a matrix");
    }

    /// <summary>[groups, out] in the file to [out, groups].</summary>
    public static void ReadTransposed(HfTensor tensor, int groups, int rows, Span<float> destination)
    {
        var values = tensor.ToSingles();
        for (var g = 0; g < groups; g++)
            for (var o = 0; o < rows; o++)
                destination[o * groups + g] = values[g * rows + o];
    }

    /// <summary>[out, groups] to the bytes of [groups, out].</summary>
    /// <param name="type">F32, F16 or BF16.</param>
    /// <exception cref="NotSupportedException">A value that is too large for the type.</exception>
    public static byte[] Transposed(ReadOnlySpan<float> values, int groups, int rows, ElementType type)
    {
        var turned = new float[values.Length];
        for (var g = 0; g < groups; g++)
            for (var o = 0; o < rows; o++)
                turned[g * rows + o] = values[o * groups + g];
        return Rounded(turned, type);
    }

    /// <summary>The bytes of scales or offsets.</summary>
    /// <inheritdoc cref="Transposed"/>
    public static byte[] Rounded(ReadOnlySpan<float> values, ElementType type)
    {
        const float largestHalf = 65520; // from here on fp16 rounds to infinity
        foreach (var value in values)
            if (!float.IsFinite(value) || type == ElementType.F16 && MathF.Abs(value) >= largestHalf)
                throw new NotSupportedException($"a scale or offset of {value} is too large for {type}");
        var bytes = new byte[values.Length * type.Size()];
        type.FromSingle(values, bytes);
        return bytes;
    }

    /// <summary>Columns of a group: <paramref name="groupSize"/>, where 0 is one group for a whole row.</summary>
    public static int GroupColumns(int groupSize, int columns) => groupSize == 0 ? columns : Math.Min(groupSize, columns);

    /// <summary>The group of each column, or null where they are in order.</summary>
    /// <exception cref="InvalidDataException">Another number of columns, or a group that is not there.</exception>
    public static int[]? GroupIndex(HfTensor tensor, int columns, int groupSize)
    {
        if (tensor.Shape is not [var length] || length != columns)
            throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", $"shape [{string.Join(", ", tensor.Shape)}]", $"[{columns}]");
        var index = tensor.ToIntegers<int>();
        var size = GroupColumns(groupSize, columns);
        var groups = (columns - 1) / size + 1;
        var inOrder = true;
        for (var i = 0; i < columns; i++)
        {
            if (index[i] < 0 || index[i] >= groups)
                throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", $"group {index[i]} at {i}", $"0 to {groups - 1}");
            inOrder &= index[i] == i / size;
        }
        return inOrder ? null : index;
    }

    /// <summary>The modules that have a tensor of one of these suffixes: of several, so that a missing tensor is missed by its name.</summary>
    public static IReadOnlyList<string> ModulesWith(HfFolder folder, params ReadOnlySpan<string> suffixes)
    {
        var modules = new List<string>();
        foreach (var suffix in suffixes)
            modules.AddRange(folder.Tensors.Where(t => t.Name.EndsWith(suffix, StringComparison.Ordinal)).Select(t => t.Name[..^suffix.Length]));
        return [.. modules.Distinct()];
    }

    /// <summary>An integer setting.</summary>
    public static int Integer(JsonElement settings, string path, string key, int? absent = null)
    {
        if (!settings.TryGetProperty(key, out var value))
            return absent ?? throw Damaged.File(path, "quantization settings", "no such key", $"the key '{key}'");
        return value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) ? number : throw Damaged.File(path, $"quantization setting '{key}'", $"{value}", "an integer");
    }

    /// <summary>A setting that is true or false; false where absent.</summary>
    public static bool Flag(JsonElement settings, string path, string key)
    {
        if (!settings.TryGetProperty(key, out var value))
            return false;
        return value.ValueKind is JsonValueKind.True or JsonValueKind.False ? value.GetBoolean() : throw Damaged.File(path, $"quantization setting '{key}'", $"{value}", "true or false");
    }

    /// <summary>Group size of the settings, where -1 is one group for a whole row, as 0.</summary>
    public static int GroupSize(JsonElement settings, string path, string key = "group_size")
    {
        var size = Integer(settings, path, key, absent: -1);
        return size is -1 or > 0 ? Math.Max(size, 0) : throw Damaged.File(path, $"quantization setting '{key}'", $"{size}", "-1 or a positive number");
    }
}
