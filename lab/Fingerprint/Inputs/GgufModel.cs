using System.Text;

namespace Vernier.Fingerprint.Inputs;

/// <summary>Writes a tiny random Llama as a GGUF file, all of its matrices in one type. 256 columns: a K-quant has blocks of 256.</summary>
internal static class GgufModel
{
    private const int Size = 256;
    private const int Alignment = 32;

    public static void Write(string path, BlockType type)
    {
        var tensors = new List<(string Name, int[] Sizes, BlockType Type, byte[] Bytes)>();
        Matrix("token_embd", Family.Vocabulary);
        Vector("blk.0.attn_norm");
        foreach (var name in (string[])["attn_q", "attn_k", "attn_v", "attn_output"])
            Matrix("blk.0." + name, Size);
        Vector("blk.0.ffn_norm");
        foreach (var name in (string[])["ffn_gate", "ffn_up", "ffn_down"])
            Matrix("blk.0." + name, Size);
        Vector("output_norm");

        using var file = new BinaryWriter(File.Create(path));
        file.Write("GGUF"u8);
        file.Write(3);
        file.Write((long)tensors.Count);
        WriteMetadata(file);
        long at = 0;
        foreach (var (name, sizes, kind, bytes) in tensors)
        {
            Text(file, name);
            file.Write(sizes.Length);
            foreach (var size in sizes)
                file.Write((long)size);
            file.Write(kind.Number);
            file.Write(at);
            at += Padded(bytes.Length);
        }
        file.Write(new byte[Padded(file.BaseStream.Position) - file.BaseStream.Position]);
        foreach (var (_, _, _, bytes) in tensors)
        {
            file.Write(bytes);
            file.Write(new byte[Padded(bytes.Length) - bytes.Length]);
        }

        void Matrix(string name, int rows) => tensors.Add((name + ".weight", [Size, rows], type, type.Random(new Noise($"gguf {type.Name} {name}"), rows * Size)));

        void Vector(string name) =>
            tensors.Add((name + ".weight", [Size], BlockType.F32, Tensor.Singles("", new Noise($"gguf {type.Name} {name}").Normals(Size, 0.1f, mean: 1), Size).Bytes));
    }

    private static void WriteMetadata(BinaryWriter file)
    {
        (string Key, object Value)[] metadata =
        [
            ("general.architecture", "llama"),
            ("llama.embedding_length", Size),
            ("llama.feed_forward_length", Size),
            ("llama.block_count", 1),
            ("llama.attention.head_count", 4),
            ("llama.attention.head_count_kv", 4),
            ("llama.attention.layer_norm_rms_epsilon", 1e-5f),
            ("llama.context_length", 128),
            ("llama.rope.freq_base", 10000f),
        ];
        file.Write((long)metadata.Length);
        foreach (var (key, value) in metadata)
        {
            Text(file, key);
            switch (value)
            {
                case int number:
                    file.Write(4);
                    file.Write(number);
                    break;
                case float number:
                    file.Write(6);
                    file.Write(number);
                    break;
                case string text:
                    file.Write(8);
                    Text(file, text);
                    break;
            }
        }
    }

    private static long Padded(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    private static void Text(BinaryWriter file, string text)
    {
        file.Write((long)Encoding.UTF8.GetByteCount(text));
        file.Write(Encoding.UTF8.GetBytes(text));
    }
}
