#:project ../src/Vernier/Vernier.csproj
#:property PublishAot=false

// Writes a GGUF file in the shape of LLaMA-7B, or of a LLaMA of 1.1B, with random codes (Q4_0, another block format, or the mixture Q4_K_M) and random
// token ids to tune it on: what memory and time a model takes does not depend on its values. The loss that comes out means nothing.
//   dotnet run lab/RandomModel.cs -- FOLDER [7b|1b] [layers|0 = all] [FORMAT|Q4_K_M]
//   vernier tune FOLDER/model.gguf --data FOLDER/ids.jsonl --bits 4 --group 0 --granularity channel --batch 1 --steps 1 --memory-limit 6G --out FOLDER/run

using System.Text.Json;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;

const int vocabulary = 32000, context = 512;
var mixture = args.Length > 3 ? args[3] : "Q4_0";
var usual = BlockFormats.Find(mixture == "Q4_K_M" ? "Q4_K" : mixture) ?? throw new ArgumentException($"no block format {mixture}");
var better = mixture == "Q4_K_M" ? BlockFormats.Find("Q6_K")! : usual;
var folder = args[0];
var (hidden, wide, heads, keyHeads, usualLayers) = args.Length > 1 && args[1] == "1b" ? (2048, 5632, 32, 4, 22) : (4096, 11008, 32, 32, 32);
var layers = args.Length > 2 && int.Parse(args[2]) is > 0 and var some ? some : usualLayers;
Directory.CreateDirectory(folder);

var metadata = GgufMetadata.Of(
[
    GgufValue.Of("general.architecture", "llama"),
    GgufValue.Of("llama.block_count", (uint)layers),
    GgufValue.Of("llama.context_length", 2048u),
    GgufValue.Of("llama.embedding_length", (uint)hidden),
    GgufValue.Of("llama.feed_forward_length", (uint)wide),
    GgufValue.Of("llama.attention.head_count", (uint)heads),
    GgufValue.Of("llama.attention.head_count_kv", (uint)keyHeads),
    GgufValue.Of("llama.attention.layer_norm_rms_epsilon", 1e-6f),
    GgufValue.Of("llama.rope.dimension_count", (uint)(hidden / heads)),
    GgufValue.Of("llama.rope.freq_base", 10000f),
    GgufValue.Of("llama.vocab_size", (uint)vocabulary),
    GgufValue.Of("tokenizer.ggml.model", "no_vocab"),
]);
var tensors = new List<GgufTensorPlan> { Matrix("token_embd", hidden, vocabulary), Vector("output_norm"), Matrix("output", hidden, vocabulary, better) };
for (var layer = 0; layer < layers; layer++)
{
    var more = layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2; // as llama.cpp mixes Q4_K_M
    tensors.Add(Vector($"blk.{layer}.attn_norm"));
    foreach (var (name, rows) in (ReadOnlySpan<(string, int)>)[("attn_q", hidden), ("attn_k", hidden / heads * keyHeads), ("attn_v", hidden / heads * keyHeads), ("attn_output", hidden)])
        tensors.Add(Matrix($"blk.{layer}.{name}", hidden, rows, name == "attn_v" && more ? better : usual));
    tensors.Add(Vector($"blk.{layer}.ffn_norm"));
    tensors.Add(Matrix($"blk.{layer}.ffn_gate", hidden, wide));
    tensors.Add(Matrix($"blk.{layer}.ffn_up", hidden, wide));
    tensors.Add(Matrix($"blk.{layer}.ffn_down", wide, hidden, more ? better : usual));
}

var random = new Random(1);
using (var writer = GgufWriter.Create(Path.Combine(folder, "model.gguf"), metadata, tensors))
{
    var ones = new float[hidden];
    Array.Fill(ones, 1f);
    foreach (var tensor in tensors)
    {
        if (tensor.Format == BlockFormats.F32)
        {
            writer.Write(System.Runtime.InteropServices.MemoryMarshal.AsBytes(ones.AsSpan()));
            continue;
        }
        var format = tensor.Format;
        var bytes = new byte[format.BlockBytes << 12];
        for (var left = tensor.ByteLength; left > 0; left -= Math.Min(left, bytes.Length))
        {
            random.NextBytes(bytes);
            for (var block = 0; block < bytes.Length; block += format.BlockBytes)
                foreach (var at in format.Codes!.HalfScales)
                    BitConverter.TryWriteBytes(bytes.AsSpan(block + at), (Half)((0.003f + 0.001f * random.NextSingle()) / (format.BlockSize / 32)));
            writer.Write(bytes.AsSpan(0, (int)Math.Min(left, bytes.Length)));
        }
    }
    writer.Commit();
}
using (var data = File.CreateText(Path.Combine(folder, "ids.jsonl")))
    for (var row = 0; row < 4; row++)
        data.WriteLine(JsonSerializer.Serialize(new Dictionary<string, int[]> { ["input_ids"] = [.. Enumerable.Range(0, context).Select(_ => random.Next(vocabulary))] }));

GgufTensorPlan Matrix(string name, int columns, int rows, BlockFormat? format = null) => new(name + ".weight", [columns, rows], format ?? usual);

GgufTensorPlan Vector(string name) => new(name + ".weight", [hidden], BlockFormats.F32);
