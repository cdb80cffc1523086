using System.Globalization;
using System.Text.Json.Nodes;

namespace Vernier.Fingerprint.Inputs;

/// <summary>Writes everything that the runs read.</summary>
internal static class InputFolder
{
    private static readonly string[] s_words = ["the", "fox", "owl", "mouse", "river", "and", "lamp", "was", "quiet", "red", "over", "saw", "in", "forest", "a", "green", "stone", "went", "under", "house"];

    public static void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach (var family in Family.All)
            Folder(family.Name, family.Config, f => SafetensorsFile.Write(Path.Combine(f, "model.safetensors"), family.Tensors));
        var llama = Family.Find("llama");
        foreach (var type in (string[])["F16", "BF16"])
            Folder("llama-" + type.ToLowerInvariant(), llama.Config, f => SafetensorsFile.Write(Path.Combine(f, "model.safetensors"), [.. llama.Tensors.Select(t => t.As(type))]));
        Folder("llama-torch", llama.Config, f => TorchFile.Write(Path.Combine(f, "pytorch_model.bin"), llama.Tensors));
        Folder("llama-shards", llama.Config, f => Shards(f, llama.Tensors));
        foreach (var (name, settings, pack) in PackedFolder.All)
        {
            var config = llama.Config.DeepClone().AsObject();
            config["quantization_config"] = JsonNode.Parse(settings);
            Folder(name, config, f => SafetensorsFile.Write(Path.Combine(f, "model.safetensors"), [.. PackedFolder.Tensors(llama, pack)]));
        }
        foreach (var type in BlockType.All)
            GgufModel.Write(Path.Combine(folder, type.Name + ".gguf"), type);
        WriteTexts(folder);

        void Folder(string name, JsonObject config, Action<string> weights)
        {
            var path = Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
            File.WriteAllText(Path.Combine(path, "config.json"), config.ToJsonString());
            TokenizerFile.Write(path);
            weights(path);
        }
    }

    private static void Shards(string folder, IReadOnlyList<Tensor> tensors)
    {
        string[] names = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];
        var (map, half) = (new JsonObject(), tensors.Count / 2);
        foreach (var (i, tensor) in tensors.Index())
            map[tensor.Name] = names[i < half ? 0 : 1];
        SafetensorsFile.Write(Path.Combine(folder, names[0]), [.. tensors.Take(half)]);
        SafetensorsFile.Write(Path.Combine(folder, names[1]), [.. tensors.Skip(half)]);
        File.WriteAllText(Path.Combine(folder, "model.safetensors.index.json"), new JsonObject { ["metadata"] = new JsonObject(), ["weight_map"] = map }.ToJsonString());
    }

    private static void WriteTexts(string folder)
    {
        var noise = new Noise("texts");
        File.WriteAllLines(Path.Combine(folder, "text.txt"), Enumerable.Range(0, 120).Select(_ => Sentence(noise)));
        File.WriteAllLines(Path.Combine(folder, "pairs.jsonl"), Enumerable.Range(0, 24).Select(_ => $$"""{"prompt": "{{Sentence(noise)}}", "completion": " {{Sentence(noise)}}"}"""));
        File.WriteAllLines(Path.Combine(folder, "chats.jsonl"), Enumerable.Range(0, 12).Select(_ =>
            $$"""{"messages": [{"role": "user", "content": "{{Sentence(noise)}}"}, {"role": "assistant", "content": "{{Sentence(noise)}}"}]}"""));
        File.WriteAllLines(Path.Combine(folder, "ids.jsonl"), Enumerable.Range(0, 16).Select(_ => $$"""{"input_ids": [{{Ids(noise, 12 + noise.Below(20))}}]}"""));
        File.WriteAllLines(Path.Combine(folder, "score.jsonl"), ((int[])[2, 3, 17, 40, 64, 90]).Select(n => $$"""{"ids": [{{Ids(noise, n)}}]}"""));
        File.WriteAllLines(Path.Combine(folder, "tokenize.jsonl"), Enumerable.Range(0, 12).Select(i => $$"""{"text": "{{Sentence(noise)}} {{i}} é ü 日本"}"""));
    }

    private static string Sentence(Noise noise) => string.Join(' ', Enumerable.Range(0, 6 + noise.Below(6)).Select(_ => s_words[noise.Below(s_words.Length)]));

    private static string Ids(Noise noise, int count) => string.Join(", ", Enumerable.Range(0, count).Select(_ => noise.Below(Family.Vocabulary - 2).ToString(CultureInfo.InvariantCulture)));
}
