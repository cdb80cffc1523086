using System.Text.Json;
using Vernier.Files.Disk;
using Vernier.Files.HuggingFace;

namespace Vernier.Files.Packings.BitsAndBytes;

/// <summary>A weight in the 4-bit form of bitsandbytes (nf4 or fp4). Blocks run over the flattened weight and may cross rows. Tensors of PREFIX:
/// <list type="number">
/// <item>weight, bytes [n / 2, 1]: element e is in byte e / 2, even ones in the high half</item>
/// <item>weight.quant_map, fp32 [16]: the values of the codes</item>
/// <item>weight.absmax, fp32 [blocks]: the scales; with double quantization bytes, and weight.nested_absmax and weight.nested_quant_map</item>
/// <item>weight.quant_state.bitsandbytes__nf4 (or fp4): JSON with shape, blocksize and, with double quantization, nested_blocksize and nested_offset</item>
/// </list></summary>
internal sealed class BitsAndBytesLayer
{
    private const int MaxStateBytes = 1 << 16;

    private BitsAndBytesLayer(IReadOnlyList<long> shape, int blockSize, byte[] codes, float[] levels, float[] scales)
    {
        Shape = shape;
        BlockSize = blockSize;
        Codes = codes;
        Levels = levels;
        Scales = scales;
    }

    /// <summary>[out, in].</summary>
    public IReadOnlyList<long> Shape { get; }

    /// <summary>Elements of the flattened weight that share a scale.</summary>
    public int BlockSize { get; }

    /// <summary>One a byte, below 16, flattened.</summary>
    public byte[] Codes { get; }

    /// <summary>[16]: the values of the codes.</summary>
    public float[] Levels { get; }

    /// <summary>[blocks].</summary>
    public float[] Scales { get; }

    /// <summary>Elements [<paramref name="start"/>, start + destination.Length) of the flattened weight: level * scale.</summary>
    public void Dequantize(int start, Span<float> destination)
    {
        for (var i = 0; i < destination.Length; i++)
            destination[i] = Levels[Codes[start + i]] * Scales[(start + i) / BlockSize];
    }

    /// <summary>The weight as rows whose groups share a scale.</summary>
    /// <param name="tensor">The tensor of the codes, for messages.</param>
    /// <exception cref="NotSupportedException">Blocks that end inside a row and go on in the next.</exception>
    internal QuantizedLayer ByRows(HfTensor tensor)
    {
        var (rows, columns) = ((int)Shape[0], (int)Shape[1]);
        var group = GroupSize(tensor, columns, BlockSize);
        var layer = new QuantizedLayer(rows, columns, 4, group) { Codebook = Levels };
        Codes.CopyTo(layer.Codes, 0);
        for (var g = 0; g < layer.Scales.Length; g++)
            layer.Scales[g] = Scales[(int)((long)g * group / BlockSize)];
        return layer;
    }

    /// <summary>Sizes of a weight, from its quant_state.</summary>
    /// <exception cref="InvalidDataException">It is missing or damaged.</exception>
    /// <exception cref="NotSupportedException">Blocks that end inside a row and go on in the next.</exception>
    internal static PackedLayout Describe(HfFolder folder, string prefix)
    {
        var stateTensor = StateTensor(folder, prefix + ".weight");
        using var state = ReadState(stateTensor);
        var shape = ReadShape(stateTensor, state.RootElement);
        var columns = (int)shape[1];
        return new PackedLayout((int)shape[0], columns, 4, GroupSize(stateTensor, columns, Positive(stateTensor, state.RootElement, "blocksize")), folder.Get(prefix + ".weight.quant_map", 16).ToSingles());
    }

    private static int GroupSize(HfTensor tensor, int columns, int blockSize) =>
        columns % blockSize == 0 ? blockSize
        : blockSize % columns == 0 ? columns
        : throw new NotSupportedException($"{tensor.FilePath}: tensor '{tensor.Name}': blocks of {blockSize} weights cross the rows of {columns} columns, which is not done here");

    private static HfTensor StateTensor(HfFolder folder, string name) =>
        folder.Find(name + ".quant_state.bitsandbytes__nf4") ?? folder.Get(name + ".quant_state.bitsandbytes__fp4");

    /// <summary>Reads and unpacks a weight.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or does not fit the others; names the file.</exception>
    public static BitsAndBytesLayer Read(HfFolder folder, string prefix)
    {
        ArgumentNullException.ThrowIfNull(folder);
        var name = prefix + ".weight";
        var stateTensor = StateTensor(folder, name);
        using var state = ReadState(stateTensor);
        var blockSize = Positive(stateTensor, state.RootElement, "blocksize");
        var shape = ReadShape(stateTensor, state.RootElement);
        var elements = CountElements(stateTensor, shape);
        var packedTensor = folder.Get(name, elements / 2 + elements % 2, 1); // before the allocation: the shape is only a claim
        var packed = new byte[packedTensor.ByteLength];
        packedTensor.ReadElements(0, packed);
        var codes = new byte[elements];
        for (var e = 0; e < codes.Length; e++)
            codes[e] = (byte)(e % 2 == 0 ? packed[e / 2] >> 4 : packed[e / 2] & 15);
        var scales = ReadScales(folder, name, stateTensor, state.RootElement, (int)((elements + blockSize - 1L) / blockSize));
        return new BitsAndBytesLayer(shape, blockSize, codes, folder.Get(name + ".quant_map", 16).ToSingles(), scales);
    }

    private static int CountElements(HfTensor tensor, long[] shape)
    {
        try
        {
            return shape.Aggregate(1, (product, size) => checked(product * (int)size));
        }
        catch (OverflowException e)
        {
            throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", $"shape [{string.Join(", ", shape)}]", "a product below 2^31", e);
        }
    }

    private static float[] ReadScales(HfFolder folder, string name, HfTensor stateTensor, JsonElement state, int blocks)
    {
        var absmax = folder.Get(name + ".absmax", blocks);
        if (folder.Find(name + ".nested_absmax") is not { } nested)
            return absmax.ToSingles();
        var nestedSize = Positive(stateTensor, state, "nested_blocksize");
        var offset = state.TryGetProperty("nested_offset", out var value) && value.ValueKind == JsonValueKind.Number
            ? (float)value.GetDouble()
            : throw Damaged.File(stateTensor.FilePath, $"tensor '{stateTensor.Name}'", "no nested_offset", "a number");
        var nestedScales = folder.Get(nested.Name, (blocks + nestedSize - 1L) / nestedSize).ToSingles();
        var levels = folder.Get(name + ".nested_quant_map", 256).ToSingles();
        var codes = absmax.ToIntegers<byte>();
        var scales = new float[blocks];
        for (var b = 0; b < blocks; b++)
            scales[b] = levels[codes[b]] * nestedScales[b / nestedSize] + offset;
        return scales;
    }

    private static JsonDocument ReadState(HfTensor tensor)
    {
        if (tensor.ByteLength > MaxStateBytes)
            throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", $"{tensor.ByteLength} bytes", $"at most {MaxStateBytes}");
        var text = tensor.ToIntegers<byte>();
        try
        {
            var state = JsonDocument.Parse(text);
            return state.RootElement.ValueKind == JsonValueKind.Object ? state : throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", $"{state.RootElement.ValueKind}", "a JSON object");
        }
        catch (JsonException e)
        {
            throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", "text that is not valid JSON", "a JSON object", e);
        }
    }

    private static int Positive(HfTensor tensor, JsonElement state, string key) =>
        state.TryGetProperty(key, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var number) && number > 0
            ? number
            : throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", $"no usable {key}", "a positive integer");

    private static long[] ReadShape(HfTensor tensor, JsonElement state)
    {
        if (state.TryGetProperty("shape", out var value) && value.ValueKind == JsonValueKind.Array && value.GetArrayLength() == 2
            && value.EnumerateArray().All(s => s.ValueKind == JsonValueKind.Number && s.TryGetInt32(out var size) && size > 0))
            return [.. value.EnumerateArray().Select(s => s.GetInt64())];
        throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", "no usable shape", "two positive integers");
    }
}
