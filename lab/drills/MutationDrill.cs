using System.Diagnostics;
using Vernier.Adapters;
using Vernier.Data;
using Vernier.Export;
using Vernier.Files.Pickle;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Models;
using Vernier.Tokens;
using Vernier.Tokens.Templates;
using Vernier.Tuning;
using Tensor = Vernier.Fingerprint.Inputs.Tensor;
using TorchWriter = Vernier.Fingerprint.Inputs.TorchFile;

namespace Vernier.Drills;

/// <summary>Damaged files through the readers, in this process: a crash ends the drill, and the file that did it is left and named.</summary>
internal static class MutationDrill
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private sealed record Target(string Name, string File, bool IsText, Action Read);

    public static IEnumerable<string> Run(DrillRun drill)
    {
        var mutator = new Mutator(drill.Random);
        var refused = 0;
        var (clock, at) = (Stopwatch.StartNew(), "");
        using var model = Prepare(drill);
        var targets = Targets(drill, model).Where(t => drill.Only is null || t.Name.Contains(drill.Only, StringComparison.Ordinal)).ToList();
        var good = targets.Select(t => File.ReadAllBytes(t.File)).ToList();
        foreach (var target in targets)
            target.Read(); // whole files are read
        using var watch = new Timer(_ =>
        {
            if (clock.Elapsed < s_limit * drill.Slack)
                return;
            Console.WriteLine($"FAILED mutations: {at} is still being read after {clock.Elapsed.TotalSeconds:F0} s");
            Environment.Exit(1);
        }, null, 1000, 1000);
        for (; drill.Done < drill.Count; drill.Done++)
        {
            var which = drill.Done % targets.Count;
            var target = targets[which];
            File.WriteAllBytes(target.File, target.IsText ? mutator.Text(good[which]) : mutator.Bytes(good[which]));
            at = $"mutation {drill.Done} of {target.Name}";
            clock.Restart();
            Exception? unexpected = null;
            try
            {
                target.Read();
            }
            catch (Exception e) when (e is InvalidDataException or NotSupportedException or NotFiniteNumberException or IOException or TemplateException)
            {
                refused++;
            }
            catch (Exception e)
            {
                unexpected = e;
            }
            if (unexpected is not null)
            {
                var kept = Path.Combine(Path.GetTempPath(), $"mutation-{drill.Done}-{Path.GetFileName(target.File)}");
                File.Copy(target.File, kept, overwrite: true);
                yield return $"{at}, kept as {kept}: {unexpected}";
            }
            File.WriteAllBytes(target.File, good[which]);
        }
        clock.Restart();
        drill.Summary = $"{refused} were refused, the others read.";
    }

    private static LanguageModel Prepare(DrillRun drill)
    {
        using (var made = DrillModel.Create(large: false))
        {
            GgufExport.Write(made, drill.At("model.gguf"));
            NativeExport.Write(made, drill.At("folder"));
            PackedExport.Write(made, drill.At("mlx"), "mlx");
        }
        TorchWriter.Write(drill.At("pytorch_model.bin"), [Tensor.Singles("model.embed_tokens.weight", new float[24], 6, 4), Tensor.Singles("model.norm.weight", new float[4], 1, 4)]);
        File.WriteAllText(drill.At("template.jinja"), DrillModel.Template);
        File.WriteAllText(drill.At("rows.jsonl"), string.Concat(Enumerable.Range(0, 8).Select(i => $"{{\"prompt\": \"the quick {i}\", \"completion\": \" fox {i}\"}}\n")));
        File.WriteAllText(drill.At("chats.jsonl"), string.Concat(Enumerable.Range(0, 8).Select(i => $"{{\"messages\": [{{\"role\": \"user\", \"content\": \"the {i}\"}}, {{\"role\": \"assistant\", \"content\": \"fox\", \"weight\": 1}}]}}\n")));
        var model = LanguageModel.Load(drill.At("model.gguf"), new LoadOptions { Threads = 1 });
        foreach (var (name, options) in new[] { ("peqa", new TuneOptions()), ("lora", new TuneOptions { Method = "lora", Rank = 2 }) })
            model.Tune(drill.At("rows.jsonl"), options with { Steps = 1, Batch = 1, Context = 32 }, drill.At(name));
        model.Reset();
        return model;
    }

    private static List<Target> Targets(DrillRun drill, LanguageModel model)
    {
        var (gguf, folder, mlx) = (drill.At("mutant.gguf"), drill.At("folder"), drill.At("mlx"));
        File.Copy(drill.At("model.gguf"), gguf, overwrite: true); // the model that adapters are put on keeps its own
        var peft = Directory.CreateDirectory(drill.At("peft")).FullName; // an adapter made elsewhere
        foreach (var file in (string[])["adapter_config.json", "adapter_model.safetensors"])
            File.Copy(drill.At($"lora/{file}"), Path.Combine(peft, file), overwrite: true);
        return
        [
            new("GGUF", gguf, false, () => Model(gguf)),
            new("safetensors", Path.Combine(folder, "model.safetensors"), false, () => Safetensors(Path.Combine(folder, "model.safetensors"))),
            new("model folder", Path.Combine(mlx, "model.safetensors"), false, () => Model(mlx)),
            new("config.json", Path.Combine(folder, "config.json"), true, () => Model(folder)),
            new("pickle", drill.At("pytorch_model.bin"), false, () => Pickle(drill.At("pytorch_model.bin"))),
            new("tokenizer.json", Path.Combine(folder, "tokenizer.json"), true, () => Tokenizer(folder)),
            new("tokenizer_config.json", Path.Combine(folder, "tokenizer_config.json"), true, () => Tokenizer(folder)),
            new("template", drill.At("template.jinja"), true, () => Template(File.ReadAllText(drill.At("template.jinja")))),
            new("run file", drill.At("peqa/config.yaml"), true, () => RunFile.Load(drill.At("peqa/config.yaml"))),
            new("vernier.json", drill.At("peqa/vernier.json"), true, () => Adapter.Load(drill.At("peqa")).ApplyTo(model)),
            new("PEFT adapter_config.json", Path.Combine(peft, "adapter_config.json"), true, () => Adapter.Load(peft).ApplyTo(model)),
            new("adapter_model.safetensors", drill.At("lora/adapter_model.safetensors"), false, () => Adapter.Load(drill.At("lora")).ApplyTo(model)),
            new("rows", drill.At("rows.jsonl"), true, () => TrainingData.Load(drill.At("rows.jsonl"), model, new RowOptions(32))),
            new("chats", drill.At("chats.jsonl"), true, () => TrainingData.Load(drill.At("chats.jsonl"), model, new RowOptions(32))),
        ];
    }

    private static void Model(string path)
    {
        using var model = LanguageModel.Load(path, new LoadOptions { Threads = 1 });
        _ = model.CodesSha256();
        var logits = new float[model.Config.VocabularySize];
        using var cache = new KvCache(model.Config, Math.Min(8, model.Config.ContextLength));
        model.Decoder.Forward(model.Compute, [0], cache, logits);
        _ = model.Tokenizer?.Decode(model.Tokenizer.Encode("the quick brown fox"));
        if (model.ChatTemplateSource is { } template)
            Template(template);
    }

    private static void Safetensors(string path)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var tensor in file.Tensors.Where(t => t.Type is ElementType.F32 or ElementType.F16 or ElementType.BF16))
            file.ReadSingles(tensor.Name);
    }

    private static void Pickle(string path)
    {
        using var file = TorchFile.Open(path);
        foreach (var tensor in file.Tensors)
            file.ReadSingles(tensor.Name);
    }

    private static void Tokenizer(string folder)
    {
        if (TokenizerLoader.FromPath(folder) is not { } loaded)
            return;
        foreach (var text in (string[])["the quick brown fox", "\u00e9\ud83d\ude00 <|x|>\n\n\t 12345", ""])
            _ = loaded.Tokenizer.Decode(loaded.Tokenizer.Encode(text));
        if (loaded.ChatTemplateSource is { } template)
            Template(template);
    }

    private static void Template(string source) => ChatTemplate.Parse(source).Render([new ChatMessage("system", "a"), new ChatMessage("user", "b"), new ChatMessage("assistant", "c")], addGenerationPrompt: true, "<s>", "</s>");
}
