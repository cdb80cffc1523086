using System.Runtime.InteropServices;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Safetensors;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Gguf.Blocks;

public class BlockFormatTests
{
    private const string BlocksFolder = "goldens/formats/gguf_blocks";
    private const string CodeBooksFolder = "goldens/formats/gguf_iquants";
    private const string QuantizeFolder = "goldens/formats/gguf_quantize";

    public static TheoryData<string> Blocks => [.. Names(BlocksFolder), .. Names(CodeBooksFolder)];

    public static TheoryData<string> Quantized => Names(QuantizeFolder);

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Dequantizes_to_the_reference_bits(string name)
    {
        var format = Format(name);
        using var file = Open(name);
        foreach (var (bytes, expected) in Pairs(file))
        {
            var values = new float[expected.Length];
            format.Dequantize(bytes, values);
            AssertBits(expected, values);
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Splits_into_codes_that_give_the_reference_values(string name)
    {
        var format = Format(name);
        var layout = format.Codes!;
        using var file = Open(name);
        foreach (var (bytes, expected) in Pairs(file))
        {
            var (codes, scale, offset) = Split(format, bytes, expected.Length);
            for (var i = 0; i < codes.Length; i++)
            {
                Assert.InRange(codes[i], 0, (1 << layout.Bits) - 1);
                var g = i / layout.GroupSize;
                var value = layout.Table is { } table ? scale[g] * (table[codes[i]] * layout.TableUnit) : MathF.FusedMultiplyAdd(scale[g], codes[i], offset[g]);
                Assert.Equal(expected[i], value); // as numbers: a fused sum may give +0 where a product gives -0
            }
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Joins_what_it_split(string name)
    {
        var format = Format(name);
        using var file = Open(name);
        foreach (var (bytes, expected) in Pairs(file))
        {
            var (codes, scale, offset) = Split(format, bytes, expected.Length);
            var joined = new byte[bytes.Length];
            if (format.Codes!.CanJoin)
            {
                format.Join(codes, scale, offset, joined);
                Assert.Equal(bytes, joined);
            }
            else
                Assert.Throws<NotSupportedException>(() => format.Join(codes, scale, offset, joined));
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Rescaled_blocks_keep_their_codes(string name)
    {
        var format = Format(name);
        using var file = Open(name);
        var bytes = file.Bytes(file.Get("bytes")).ToArray();
        var expected = file.ReadSingles("deq");
        var factors = new float[expected.Length / format.BlockSize];
        factors.AsSpan().Fill(2); // exact in fp16
        var rescaled = new byte[bytes.Length];
        if (format.Codes!.Storage != ScaleStorage.Half)
        {
            Assert.Throws<NotSupportedException>(() => format.Rescale(bytes, factors, rescaled));
            return;
        }
        format.Rescale(bytes, factors, rescaled);
        var values = new float[expected.Length];
        format.Dequantize(rescaled, values);
        Assert.Equal(expected.Select(x => 2 * x), values);
        Assert.Equal(Split(format, bytes, expected.Length).Codes, Split(format, rescaled, expected.Length).Codes);
    }

    [Theory]
    [MemberData(nameof(Quantized))]
    public void Quantizes_to_the_reference_bytes(string name)
    {
        var format = Format(name);
        using var file = Open(name);
        var shape = file.Get("x").Shape;
        var (rows, columns) = ((int)shape[0], (int)shape[1]);
        var x = file.ReadSingles("x");
        var reference = file.Bytes(file.Get("bytes"));
        var other = file.Bytes(file.Get("bytes_gguf_py")); // differs in the sign of a stored zero; either is right
        var bytes = new byte[format.BytesOf(columns)];
        for (var row = 0; row < rows; row++)
        {
            format.Quantize(x.AsSpan(row * columns, columns), bytes);
            var at = row * bytes.Length;
            Assert.True(
                bytes.AsSpan().SequenceEqual(reference.Slice(at, bytes.Length)) || bytes.AsSpan().SequenceEqual(other.Slice(at, bytes.Length)),
                $"row {row}: {Convert.ToHexString(bytes)} instead of {Convert.ToHexString(reference.Slice(at, bytes.Length))}");
        }
    }

    [Fact]
    public void Sixteen_bit_floats_are_rounded_to_nearest_even()
    {
        using var file = SafetensorsFile.Open(SharedFiles.At(BlocksFolder + "/F16_BF16.safetensors"));
        var x = file.ReadSingles("x");
        foreach (var (format, name) in new[] { (BlockFormats.F16, "f16"), (BlockFormats.BF16, "bf16") })
        {
            var bits = new byte[2 * x.Length];
            format.Quantize(x, bits);
            var expected = file.Bytes(file.Get(name + "_bits")).ToArray();
            var values = new float[x.Length];
            format.Dequantize(expected, values);
            AssertBits(file.ReadSingles(name + "_deq"), values);
            for (var i = 0; i < x.Length; i++)
                if (!float.IsNaN(values[i]))
                    Assert.Equal(Convert.ToHexString(expected, 2 * i, 2), Convert.ToHexString(bits, 2 * i, 2));
            format.Dequantize(bits, values);
            Assert.Equal(x.Select(float.IsNaN), values.Select(float.IsNaN));
        }
    }

    public static TheoryData<string> Joinable => [.. BlockFormats.All.Where(f => f.Codes is { CanJoin: true }).Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Joinable))]
    public void Any_codes_and_fp16_scales_come_back(string name)
    {
        var format = BlockFormats.Find(name)!;
        var layout = format.Codes!;
        Check.QuickThrowOnFailure(Prop.ForAll<byte[], short, short>((noise, scaleBits, offsetBits) =>
        {
            var scale = (float)BitConverter.Int16BitsToHalf((short)(scaleBits & 0xBFFF)); // finite
            var free = (float)BitConverter.Int16BitsToHalf((short)(offsetBits & 0xBFFF));
            var offset = layout.Table is not null ? 0 : layout.ZeroPoint is { } zero ? -zero * scale : free;
            var codes = new byte[format.BlockSize];
            for (var i = 0; i < codes.Length; i++)
                codes[i] = (byte)((noise.Length > 0 ? noise[i % noise.Length] : 0) & ((1 << layout.Bits) - 1));
            var bytes = new byte[format.BlockBytes];
            format.Join(codes, [scale], [offset], bytes);
            var (codesBack, scaleBack, offsetBack) = Split(format, bytes, codes.Length);
            return codes.AsSpan().SequenceEqual(codesBack) && scaleBack[0] == scale && offsetBack[0] == offset;
        }));
    }

    [Fact]
    public void What_a_format_cannot_hold_is_refused()
    {
        var format = BlockFormats.Find("Q4_0")!;
        var bytes = new byte[18];
        Assert.Throws<NotSupportedException>(() => format.Join(new byte[32], [1], [0.5f], bytes));
        Assert.Throws<NotSupportedException>(() => format.Join(new byte[32], [1e6f], [-8e6f], bytes));
        Assert.Throws<ArgumentException>(() => format.Join([.. Enumerable.Repeat((byte)16, 32)], [1], [-8], bytes));
        Assert.Throws<ArgumentException>(() => format.Dequantize(new byte[17], new float[32]));
        Assert.Throws<NotSupportedException>(() => BlockFormats.Find("Q4_K")!.Quantize(new float[256], new byte[144]));
    }

    /// <summary>A newer type without reference files: its definition, value by value.</summary>
    [Fact]
    public void Q2_0_is_a_scale_times_codes_less_one()
    {
        var format = BlockFormats.Find("Q2_0")!;
        var (bytes, values) = (new byte[18], new float[64]);
        BitConverter.TryWriteBytes(bytes, (Half)0.5f);
        bytes[2] = 0b11_10_01_00;
        bytes[17] = 0b10_10_10_11;
        format.Dequantize(bytes, values);
        Assert.Equal([-0.5f, 0, 0.5f, 1, -0.5f], values[..5]);
        Assert.Equal([1, 0.5f, 0.5f, 0.5f], values[60..]);
    }

    [Fact]
    public void Every_format_is_listed_once()
    {
        Assert.Equal(BlockFormats.All.Count, BlockFormats.All.DistinctBy(f => f.Number).Count());
        Assert.Equal(BlockFormats.All.Count, BlockFormats.All.DistinctBy(f => f.Name).Count());
    }

    private static TheoryData<string> Names(string folder)
    {
        var rows = new TheoryData<string>();
        foreach (var place in SharedFiles.Folders(folder))
            foreach (var entry in Index(place))
                rows.Add(SharedFiles.NameOf(Path.Combine(place, $"{entry!["type"]}.safetensors")));
        return rows;
    }

    private static JsonArray Index(string folder) => JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "index.json")))!.AsArray();

    private static SafetensorsFile Open(string name) => SafetensorsFile.Open(SharedFiles.At(name));

    private static BlockFormat Format(string name)
    {
        var type = Path.GetFileNameWithoutExtension(name);
        var entry = Index(Path.GetDirectoryName(SharedFiles.At(name))!).First(e => (string)e!["type"]! == type)!;
        var format = BlockFormats.Find((uint)entry["ggml_type"]!)!;
        Assert.Equal(type, format.Name);
        if (entry["block_size"] is { } size)
            Assert.Equal(((int)size, (int)entry["type_size"]!), (format.BlockSize, format.BlockBytes));
        return format;
    }

    private static IEnumerable<(byte[] Bytes, float[] Expected)> Pairs(SafetensorsFile file)
    {
        yield return (file.Bytes(file.Get("bytes")).ToArray(), file.ReadSingles("deq"));
        yield return (file.Bytes(file.Get("rand_bytes")).ToArray(), file.ReadSingles("rand_deq"));
    }

    private static (byte[] Codes, float[] Scale, float[] Offset) Split(BlockFormat format, byte[] bytes, int values)
    {
        var groups = values / format.Codes!.GroupSize;
        var (codes, scale, offset) = (new byte[values], new float[groups], new float[groups]);
        format.Split(bytes, codes, scale, offset);
        return (codes, scale, offset);
    }

    private static void AssertBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> values)
    {
        var a = MemoryMarshal.Cast<float, uint>(expected);
        var b = MemoryMarshal.Cast<float, uint>(values);
        var length = a.CommonPrefixLength(b);
        if (length < a.Length && !float.IsNaN(expected[length]))
            Assert.Fail($"value {length}: {values[length]:R} instead of {expected[length]:R}");
    }
}
