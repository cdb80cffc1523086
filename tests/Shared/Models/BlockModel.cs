using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Models;

namespace Vernier.TestSupport;

/// <summary>A tiny random LLaMA as a GGUF file with tensors in blocks of any format, with random codes and inner scales: two super-blocks of 256 columns in a row of down_proj, one elsewhere.</summary>
internal static class BlockModel
{
    public const int Vocabulary = 40;

    private const float Size = 0.06f; // root mean square of the weights

    public static ModelConfig Config(bool tiedHead) => new()
    {
        Architecture = "llama",
        HiddenSize = 256,
        Layers = 1,
        Heads = 4,
        KvHeads = 2,
        HeadDim = 64,
        RotaryDim = 64,
        FeedForwardSize = 512,
        VocabularySize = Vocabulary,
        ContextLength = 32,
        AttentionScale = 0.125f,
        TiedHead = tiedHead,
    };

    /// <param name="format">The format's name for a tensor of GGUF; null = as plain numbers.</param>
    public static string Write(string path, Func<string, string?> format, int seed = 1, bool tiedHead = true)
    {
        using (var plain = LanguageModel.CreateRandom(Config(tiedHead), seed))
            GgufExport.Write(plain, path, BlockFormats.F32);
        var random = new Random(seed);
        var blocks = path + ".blocks";
        using (var file = GgufFile.Open(path))
        {
            var plans = file.Tensors.Select(t => format(t.Name) is { } name && t.Dimensions.Count == 2 ? t.Plan with { Format = BlockFormats.Find(name)! } : t.Plan).ToList();
            using var writer = GgufWriter.Create(blocks, file.Metadata, plans);
            foreach (var (tensor, plan) in file.Tensors.Zip(plans))
                writer.Write(plan.Format.Codes is null ? file.Bytes(tensor) : Blocks(random, plan));
            writer.Commit();
        }
        File.Move(blocks, path, overwrite: true);
        return path;
    }

    private static byte[] Blocks(Random random, GgufTensorPlan plan)
    {
        var (format, bytes) = (plan.Format, new byte[plan.ByteLength]);
        random.NextBytes(bytes);
        var values = new float[format.BlockSize];
        for (var at = 0; at < bytes.Length; at += format.BlockBytes)
        {
            var block = bytes.AsSpan(at, format.BlockBytes);
            SetScale(format, block, 1);
            format.Dequantize(block, values);
            var size = MathF.Sqrt(values.Sum(v => v * v) / values.Length);
            SetScale(format, block, Size / size * (0.7f + 0.6f * random.NextSingle()));
        }
        return bytes;
    }

    // Minimums so that weights lie on both sides of 0.
    private static void SetScale(BlockFormat format, Span<byte> block, float scale)
    {
        var codes = format.Codes!;
        if (codes.Storage == ScaleStorage.PowerOfTwo)
            block[0] = (byte)(128 + (int)MathF.Round(MathF.Log2(scale)));
        if (codes.Storage == ScaleStorage.Float8)
            block[..(format.BlockSize / codes.GroupSize)].Fill((byte)((8 + (int)MathF.Round(MathF.Log2(scale))) << 3));
        if (format.Name == "IQ1_M") // on top of four words
            for (var k = 0; k < 4; k++)
                block[49 + 2 * k] = (byte)(block[49 + 2 * k] & 15 | (BitConverter.HalfToUInt16Bits((Half)scale) >> 4 * k & 15) << 4);
        foreach (var (i, at) in codes.HalfScales.Index())
            BitConverter.TryWriteBytes(block[at..], (Half)(i == 0 ? scale : format.BlockSize == codes.GroupSize ? -scale * (1 << codes.Bits) / 2 : scale * (1 << codes.Bits) / 2));
    }
}
