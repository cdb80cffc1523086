using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.LlamaCpp.Tests;

/// <summary>A tiny LLaMA without a vocabulary whose linears are random blocks, each of a format of its own choosing: every code, sub-scale and sign occurs.</summary>
internal static class RandomBlocks
{
    public const int Vocabulary = 320;

    private const int Hidden = 256; // one super-block
    private const int Wide = 512;
    private const int Heads = 4;
    private const int KvHeads = 2;
    private const int Layers = 2;
    private const float Deviation = 1f / 16; // 1 / sqrt(Hidden): activations keep their size

    /// <summary>The formats that such a model can be made of: all that Vernier reads as codes.</summary>
    public static IEnumerable<BlockFormat> Formats => BlockFormats.All.Where(format => format.CanDequantize && format.Codes is not null);

    /// <param name="formatOf">The format of a linear, by its name without the ending, e.g. <c>blk.0.attn_q</c>.</param>
    public static void Write(string path, Func<string, BlockFormat> formatOf, int seed = 1)
    {
        var head = Hidden / Heads;
        List<GgufTensorPlan> tensors = [new("token_embd.weight", [Hidden, Vocabulary], BlockFormats.F32), Norm("output_norm"), new("output.weight", [Hidden, Vocabulary], BlockFormats.F32)];
        for (var layer = 0; layer < Layers; layer++)
        {
            var at = $"blk.{layer}.";
            tensors.Add(Norm(at + "attn_norm"));
            foreach (var (name, rows) in (ReadOnlySpan<(string, int)>)[("attn_q", Hidden), ("attn_k", head * KvHeads), ("attn_v", head * KvHeads), ("attn_output", Hidden)])
                tensors.Add(Matrix(at + name, Hidden, rows));
            tensors.Add(Norm(at + "ffn_norm"));
            tensors.Add(Matrix(at + "ffn_gate", Hidden, Wide));
            tensors.Add(Matrix(at + "ffn_up", Hidden, Wide));
            tensors.Add(Matrix(at + "ffn_down", Wide, Hidden));
        }
        var random = new Random(seed);
        using var writer = GgufWriter.Create(path, Metadata(head), tensors);
        foreach (var tensor in tensors)
            writer.Write(Bytes(tensor, random));
        writer.Commit();

        GgufTensorPlan Matrix(string name, int columns, int rows) => new(name + ".weight", [columns, rows], formatOf(name));
        static GgufTensorPlan Norm(string name) => new(name + ".weight", [Hidden], BlockFormats.F32);
    }

    private static GgufMetadata Metadata(int head) => GgufMetadata.Of(
    [
        GgufValue.Of("general.architecture", "llama"),
        GgufValue.Of("general.name", "random blocks"),
        GgufValue.Of("llama.block_count", (uint)Layers),
        GgufValue.Of("llama.context_length", 256u),
        GgufValue.Of("llama.embedding_length", (uint)Hidden),
        GgufValue.Of("llama.feed_forward_length", (uint)Wide),
        GgufValue.Of("llama.attention.head_count", (uint)Heads),
        GgufValue.Of("llama.attention.head_count_kv", (uint)KvHeads),
        GgufValue.Of("llama.attention.layer_norm_rms_epsilon", 1e-5f),
        GgufValue.Of("llama.rope.dimension_count", (uint)head),
        GgufValue.Of("llama.rope.freq_base", 10000f),
        GgufValue.Of("llama.vocab_size", (uint)Vocabulary),
        GgufValue.Of("tokenizer.ggml.model", "no_vocab"),
    ]);

    private static byte[] Bytes(GgufTensorPlan tensor, Random random)
    {
        if (tensor.Format != BlockFormats.F32)
            return Blocks(tensor.Format, tensor.ByteLength, random);
        var values = new float[tensor.ByteLength / sizeof(float)];
        for (var i = 0; i < values.Length; i++)
            values[i] = tensor.Dimensions.Count == 1 ? 1 + 0.2f * random.NextSingle() : tensor.Name[0] == 'o' ? Deviation * Normal(random) : Normal(random);
        return System.Runtime.InteropServices.MemoryMarshal.AsBytes<float>(values).ToArray();
    }

    /// <summary>Random codes and sub-scales; the fp16 scales are such that the values have mean 0 and the deviation of a trained linear.</summary>
    private static byte[] Blocks(BlockFormat format, long length, Random random)
    {
        var bytes = new byte[length];
        random.NextBytes(bytes);
        var values = new float[format.BlockSize];
        for (var at = 0; at < bytes.Length; at += format.BlockBytes)
        {
            var block = bytes.AsSpan(at, format.BlockBytes);
            if (format.Name == "TQ1_0") // five digits of base 3 a byte, four in the last ones
                for (var i = 0; i < block.Length - 2; i++)
                    block[i] = (byte)(i < 48 ? (random.Next(243) * 256 + 242) / 243 : (random.Next(81) * 3 * 256 + 242) / 243);
            if (format.Codes!.HalfScales is not { Count: > 0 } halves)
            {
                SetOther(format, block, random, values);
                continue;
            }
            var first = Mean(format, block, halves, 0, values);
            var second = halves.Count > 1 ? Mean(format, block, halves, 1, values) : 0;
            float[] scales = halves.Count > 1 && second != 0 ? [1, -first / second] : [1];
            Set(block, halves, scales);
            format.Dequantize(block, values);
            var size = MathF.Sqrt(values.Sum(v => v * v) / values.Length);
            var factor = size > 0 ? Deviation / size * (0.8f + 0.4f * random.NextSingle()) : 0;
            Set(block, halves, [.. scales.Select(scale => scale * factor)]);
        }
        return bytes;
    }

    /// <summary>Scales that are not fp16 numbers at places of their own.</summary>
    private static void SetOther(BlockFormat format, Span<byte> block, Random random, float[] values)
    {
        if (format.Name == "IQ1_M")
        {
            SetInWords(block, 1);
            format.Dequantize(block, values);
            SetInWords(block, Deviation / MathF.Sqrt(values.Sum(v => v * v) / values.Length));
        }
        else if (format.Codes!.Storage == ScaleStorage.Float8)
            for (var group = 0; group < format.BlockSize / format.Codes.GroupSize; group++)
                block[group] = (byte)(8 + random.Next(8)); // 1/64 to 1/32; levels are up to 6
        else
            block[0] = (byte)(121 + random.Next(2)); // a power of two
    }

    /// <summary>Four bits of IQ1_M's fp16 scale are on top of each of its four words.</summary>
    private static void SetInWords(Span<byte> block, float scale)
    {
        for (var word = 0; word < 4; word++)
            block[49 + 2 * word] = (byte)(block[49 + 2 * word] & 15 | (BitConverter.HalfToUInt16Bits((Half)scale) >> 4 * word & 15) << 4);
    }

    /// <summary>The mean of the values when one of the scales is 1 and the others are 0.</summary>
    private static float Mean(BlockFormat format, Span<byte> block, IReadOnlyList<int> halves, int one, float[] values)
    {
        Set(block, halves, [.. halves.Select((_, i) => i == one ? 1f : 0f)]);
        format.Dequantize(block, values);
        return values.Average();
    }

    private static void Set(Span<byte> block, IReadOnlyList<int> halves, float[] scales)
    {
        for (var i = 0; i < halves.Count; i++)
            BitConverter.TryWriteBytes(block[halves[i]..], (Half)(i < scales.Length ? scales[i] : 0));
    }

    private static float Normal(Random random) => MathF.Sqrt(-2 * MathF.Log(1 - random.NextSingle())) * MathF.Cos(2 * MathF.PI * random.NextSingle());
}
