using System.Text.Json;
using Vernier.Adapters;
using Vernier.Models;
using Vernier.Tests.Goldens;
using Vernier.Tests.Models;
using Vernier.Tests.Tuning;
using Vernier.TestSupport;
using Vernier.Tuning;

namespace Vernier.Tests.Adapters;

public class AdapterTests : TemporaryFolderTests
{
    private const string Peft = "goldens/train/lora_qv_r4_peft_adapter";

    private static readonly TuneOptions s_options = new() { Method = "peqa", Bits = 4, Group = 8, Granularity = Granularity.Separable, LearningRate = 0.02f };

    [Theory]
    [InlineData("peqa")]
    [InlineData("lora")]
    [InlineData("qlora")]
    [InlineData("l4q")]
    [InlineData("qat")]
    [InlineData("qat-lora")]
    [InlineData("qa-lora")]
    [InlineData("full")]
    [InlineData("peqa", Granularity.LowRank)]
    public void What_is_saved_computes_the_same_on_a_fresh_model(string method, Granularity granularity = Granularity.Separable)
    {
        using var compute = new Compute(1);
        var options = s_options with { Method = method, Granularity = granularity, Bits = method is "lora" or "full" ? null : 4 };
        using var tuned = Tuned(options, compute);
        Of(tuned, options).Save(Temporary.Path);

        using var fresh = TinyRun.Create();
        Assert.NotEqual(Loss(tuned, compute), Loss(fresh, compute));
        var adapter = Adapter.Load(Temporary.Path);
        Assert.Equal(options, adapter.Config.Options);
        adapter.ApplyTo(fresh, compute, "tiny", () => TinyCodes.Of(fresh));
        Assert.Equal(Loss(tuned, compute), Loss(fresh, compute));
        adapter.Merge(fresh, compute);
        Assert.Equal(Loss(tuned, compute), Loss(fresh, compute), 1e-3);
    }

    /// <summary>Separable factors of a weight with one group a row: one factor a row and no second. Adapters of the first version have a second one.</summary>
    [Fact]
    public void A_single_group_has_no_factor_of_its_own_and_those_of_old_adapters_are_taken_in()
    {
        using var compute = new Compute(1);
        var options = s_options with { Group = 0 };
        using var tuned = Tuned(options, compute);
        Assert.All(tuned.Linears, linear => Assert.Equal([$"{linear.Name}.row_factor"], linear.Parameters.Select(p => p.Name)));
        var adapter = Of(tuned, options);
        var old = adapter.Tensors.Values.SelectMany(t => (AdapterTensor[])
        [
            t with { Values = [.. t.Values.Select(v => v / 2)] },
            new(t.Name.Replace(".row_factor", ".column_factor"), [1], [2f]),
        ]);
        new Adapter(adapter.Config, old.ToDictionary(t => t.Name)).Save(Temporary.Path);
        using var fresh = TinyRun.Create();
        Adapter.Load(Temporary.Path).ApplyTo(fresh, compute, "tiny", () => TinyCodes.Of(fresh));
        Assert.Equal(Loss(tuned, compute), Loss(fresh, compute));
    }

    [Fact]
    public void Binary_codes_are_tuned_saved_and_merged()
    {
        using var compute = new Compute(1);
        var options = s_options with { Scheme = "bcq", Bits = 3 };
        using var tuned = Tuned(options, compute);
        Of(tuned, options).Save(Temporary.Path);
        using var fresh = TinyRun.Create();
        var adapter = Adapter.Load(Temporary.Path);
        adapter.ApplyTo(fresh, compute, "tiny", () => TinyCodes.Of(fresh));
        Assert.All(adapter.Tensors.Keys, name => Assert.EndsWith(".alpha", name));
        Assert.Equal(Loss(tuned, compute), Loss(fresh, compute));
        adapter.Merge(fresh, compute);
        Assert.Equal(Loss(tuned, compute), Loss(fresh, compute), 1e-6);
    }

    [Fact]
    public void Another_base_is_refused_with_both_hashes()
    {
        using var compute = new Compute(1);
        using var tuned = Tuned(s_options, compute);
        Of(tuned, s_options).Save(Temporary.Path);
        using var other = TinyRun.Create(seed: 2);
        var e = Assert.Throws<InvalidDataException>(() => Adapter.Load(Temporary.Path).ApplyTo(other, compute, "other", () => TinyCodes.Of(other)));
        Assert.Contains(TinyCodes.Of(tuned)!, e.Message);
        Assert.Contains(TinyCodes.Of(other)!, e.Message);
    }

    [Theory]
    [InlineData("\"method\": \"peqa\"", "\"method\": \"\"")]
    [InlineData("\"method\": \"peqa\"", "\"method\": \"peqb\"")]
    [InlineData("\"rank\": \"4\"", "\"rank\": \"-4\"")]
    [InlineData("\"scheme\": \"rtn\"", "\"scheme\": \"none\"")]
    [InlineData("\"bits\": \"4\"", "\"bits\": \"44\"")]
    [InlineData("\"group\": \"8\"", "\"group\": \"\\ud800\"")]
    public void A_configuration_that_makes_no_sense_is_the_files_fault(string was, string becomes)
    {
        using var compute = new Compute(1);
        using var tuned = Tuned(s_options, compute);
        Of(tuned, s_options).Save(Temporary.Path);
        var config = File.ReadAllText(Temporary.At("vernier.json"));
        Assert.Contains(was, config, StringComparison.Ordinal);
        // The name and the option both say the method.
        File.WriteAllText(Temporary.At("vernier.json"), config.Replace(was, becomes, StringComparison.Ordinal));
        using var fresh = TinyRun.Create();
        Assert.Throws<InvalidDataException>(() => Adapter.Load(Temporary.Path).ApplyTo(fresh, compute, "tiny", () => TinyCodes.Of(fresh)));
    }

    [Fact]
    public void A_model_that_holds_the_quantized_codes_takes_the_adapter_too()
    {
        using var compute = new Compute(1);
        using var tuned = Tuned(s_options, compute);
        Of(tuned, s_options).Save(Temporary.Path);
        using var quantized = TinyRun.Create();
        TuningMethods.Of(new TuneOptions { Method = "peqa" }).Apply(quantized, s_options, compute);
        TuningMethods.Of(new TuneOptions { Method = "peqa" }).Merge(quantized);
        Adapter.Load(Temporary.Path).ApplyTo(quantized, compute, "quantized", () => TinyCodes.Of(quantized));
        Assert.Equal(Loss(tuned, compute), Loss(quantized, compute));
    }

    [Fact]
    public void Damaged_files_are_named()
    {
        using var compute = new Compute(1);
        using var tuned = Tuned(s_options, compute);
        var adapter = Of(tuned, s_options);
        adapter.Save(Temporary.Path);
        using (var cut = File.OpenWrite(Temporary.At("adapter_model.safetensors")))
            cut.SetLength(cut.Length - 5);
        Assert.Contains("adapter_model.safetensors", Assert.Throws<InvalidDataException>(() => Adapter.Load(Temporary.Path)).Message);
        adapter.Save(Temporary.Path);
        Temporary.Write("adapter_config.json", "{\"peft_type\": ");
        Assert.Contains("adapter_config.json", Assert.Throws<InvalidDataException>(() => Adapter.Load(Temporary.Path)).Message);
        Temporary.Write("adapter_config.json", "{}");
        Temporary.Write("vernier.json", "{}");
        Assert.Contains("vernier.json", Assert.Throws<InvalidDataException>(() => Adapter.Load(Temporary.Path)).Message);
        File.Delete(Temporary.At("vernier.json"));
        Assert.Contains("adapter_config.json", Assert.Throws<NotSupportedException>(() => Adapter.Load(Temporary.Path)).Message);
        File.Delete(Temporary.At("adapter_config.json"));
        Assert.Throws<FileNotFoundException>(() => Adapter.Load(Temporary.Path));
    }

    [Theory]
    [InlineData("r", "1000000000", "rank")]
    [InlineData("rank_pattern", "{\"q_proj\": 1000000000}", "rank")]
    public void A_rank_without_tensors_is_refused_before_anything_is_made(string key, string value, string says)
    {
        using var compute = new Compute(1);
        var options = s_options with { Method = "lora", Bits = null, Rank = 3, Targets = "all" };
        using var tuned = Tuned(options, compute);
        Of(tuned, options).Save(Temporary.Path);
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Temporary.At("adapter_config.json")))!.AsObject();
        File.Delete(Temporary.At("vernier.json"));
        config[key] = System.Text.Json.Nodes.JsonNode.Parse(value);
        Temporary.Write("adapter_config.json", config.ToJsonString());
        using var fresh = TinyRun.Create();
        Assert.Contains(says, Assert.Throws<InvalidDataException>(() => Adapter.Load(Temporary.Path).ApplyTo(fresh, compute, "tiny", () => TinyCodes.Of(fresh))).Message);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void Numbers_that_are_none_are_named(float value)
    {
        using var compute = new Compute(1);
        using var tuned = Tuned(s_options, compute);
        var adapter = Of(tuned, s_options);
        var (name, tensor) = adapter.Tensors.First();
        tensor.Values[^1] = value;
        adapter.Save(Temporary.Path);
        Assert.Contains($"tensor '{name}'", Assert.Throws<InvalidDataException>(() => Adapter.Load(Temporary.Path)).Message);
    }

    [Theory]
    [InlineData("0.01\n? &a [*a]\n: 1")]
    [InlineData("'0.01' # &a [*a]")]
    [InlineData("0.01\nmodel: x")]
    [InlineData("[0.01]")]
    [InlineData("&a 0.01")]
    public void Options_of_strangers_are_values_and_no_yaml(string value)
    {
        using var compute = new Compute(1);
        using var tuned = Tuned(s_options, compute);
        Of(tuned, s_options).Save(Temporary.Path);
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Temporary.At("vernier.json")))!;
        config["options"]!["lr"] = value;
        Temporary.Write("vernier.json", config.ToJsonString());
        Assert.Contains("lr", Assert.Throws<InvalidDataException>(() => Adapter.Load(Temporary.Path)).Message);
    }

    [Fact]
    public void LoRA_has_the_keys_and_names_of_PEFT()
    {
        using var compute = new Compute(1);
        var options = s_options with { Method = "lora", Bits = null, Rank = 3, Alpha = 6, Targets = "qv" };
        using var tuned = Tuned(options, compute);
        Of(tuned, options).Save(Temporary.Path);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Temporary.At("adapter_config.json")));
        Assert.Equal("LORA", json.RootElement.GetProperty("peft_type").GetString());
        Assert.Equal(3, json.RootElement.GetProperty("r").GetInt32());
        Assert.Equal(6, json.RootElement.GetProperty("lora_alpha").GetSingle());
        Assert.Equal(["q_proj", "v_proj"], json.RootElement.GetProperty("target_modules").EnumerateArray().Select(m => m.GetString()));
        Assert.Contains("base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight", new GoldenTensors(Temporary.At("adapter_model.safetensors")).Names);
    }

    [Fact]
    public void The_configuration_holds_only_what_PEFT_knows_and_an_older_folder_still_loads()
    {
        string[] known = ["peft_type", "task_type", "base_model_name_or_path", "inference_mode", "r", "lora_alpha", "rank_pattern", "alpha_pattern", "lora_dropout", "init_lora_weights",
            "layers_to_transform", "layers_pattern", "target_modules", "bias", "fan_in_fan_out", "use_rslora", "use_dora", "modules_to_save"];
        using var compute = new Compute(1);
        var options = s_options with { Method = "lora", Bits = null, Rank = 3, Targets = "qv" };
        using var tuned = Tuned(options, compute);
        Of(tuned, options).Save(Temporary.Path);
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Temporary.At("adapter_config.json")))!.AsObject();
        Assert.Empty(config.Select(p => p.Key).Except(known));
        var saved = Adapter.Load(Temporary.Path).Config;

        config["vernier"] = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Temporary.At("vernier.json")));
        File.Delete(Temporary.At("vernier.json"));
        Temporary.Write("adapter_config.json", config.ToJsonString());
        Assert.Equal(saved, Adapter.Load(Temporary.Path).Config);
        Assert.NotNull(saved.Version);
    }

    [Theory]
    [InlineData("/somewhere/models/tiny", null, "tiny", "tiny")]
    [InlineData("models/tiny", null, "models/tiny", "models/tiny")]
    [InlineData("/somewhere/hub/models--them--tiny-1B/snapshots/abc", null, "them/tiny-1B", "them/tiny-1B")]
    [InlineData("/somewhere/models/tiny", "me/tiny", "me/tiny", "me/tiny")]
    public void The_base_has_a_name_that_others_can_open(string path, string? given, string name, string peft)
    {
        using var compute = new Compute(1);
        var options = s_options with { Method = "lora", Bits = null, BaseModel = given };
        using var tuned = Tuned(options, compute);
        var config = Adapter.Of(TuningMethods.Of(new TuneOptions { Method = "lora" }), tuned, options, path, null, null).Config;
        Assert.Equal((name, peft), (config.BaseModel, config.PeftBaseModel));
    }

    [Fact]
    public void A_base_that_is_one_file_is_none_that_PEFT_opens()
    {
        using var compute = new Compute(1);
        var options = s_options with { Method = "lora", Bits = null };
        using var tuned = Tuned(options, compute);
        var config = Adapter.Of(TuningMethods.Of(new TuneOptions { Method = "lora" }), tuned, options, Temporary.Write("tiny.gguf", ""), null, null).Config;
        Assert.Equal(("tiny.gguf", null), (config.BaseModel, config.PeftBaseModel));
    }

    [Fact]
    public void Ranks_and_alphas_of_some_modules_go_both_ways()
    {
        using var compute = new Compute(1);
        var options = s_options with { Method = "lora", Bits = null, Rank = 3, Alpha = 6, Targets = "all", RankPattern = @"q_proj=5;layers.1.mlp.*=2", AlphaPattern = "v_proj=2.5" };
        using var tuned = Tuned(options, compute);
        Of(tuned, options).Save(Temporary.Path);
        var config = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Temporary.At("adapter_config.json")))!.AsObject();
        Assert.Equal(5, config["rank_pattern"]!["q_proj"]!.GetValue<int>());
        Assert.Equal(2.5, config["alpha_pattern"]!["v_proj"]!.GetValue<double>());
        var tensors = new GoldenTensors(Temporary.At("adapter_model.safetensors"));
        Assert.Equal(5, tensors["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"].Shape[0]);
        Assert.Equal(2, tensors["base_model.model.model.layers.1.mlp.up_proj.lora_A.weight"].Shape[0]);
        Assert.Equal(3, tensors["base_model.model.model.layers.0.mlp.up_proj.lora_A.weight"].Shape[0]);

        // the same adapter as PEFT would write it, without what only Vernier knows
        File.Delete(Temporary.At("vernier.json"));
        using var fresh = TinyRun.Create();
        Adapter.Load(Temporary.Path).ApplyTo(fresh, compute, "tiny", () => TinyCodes.Of(fresh));
        Assert.Equal(Loss(tuned, compute), Loss(fresh, compute), 1e-6);
    }

    [Fact]
    public void Modules_of_some_layers_only_are_named_whole()
    {
        using var compute = new Compute(1);
        var options = s_options with { Method = "lora", Bits = null, Targets = @"layers\.1\..*q_proj" };
        using var tuned = Tuned(options, compute);
        Of(tuned, options).Save(Temporary.Path);
        using var json = JsonDocument.Parse(File.ReadAllBytes(Temporary.At("adapter_config.json")));
        Assert.Equal(["model.layers.1.self_attn.q_proj"], json.RootElement.GetProperty("target_modules").EnumerateArray().Select(m => m.GetString()));
    }

    [Fact]
    public void An_adapter_of_PEFT_gives_its_logits_and_is_written_back_the_same()
    {
        var path = SharedFiles.At(Peft);
        using var model = LanguageModel.Load(SharedFiles.At("goldens/models/llama-gqa"), new LoadOptions { Threads = 2 });
        var (decoder, compute) = (model.Decoder, model.Compute);
        var adapter = Adapter.Load(path);
        adapter.ApplyTo(model);
        var golden = new GoldenModelBatch(Path.Combine(path, "expected.safetensors"));
        var logits = new float[golden.Batch.Tokens * decoder.Config.VocabularySize];
        decoder.Logits(compute, golden.Batch, logits);
        Close.Assert(golden.Logits, logits, 2e-4, "logits");

        Of(decoder, adapter.Config.Options).Save(Temporary.Path);
        var (was, now) = (new GoldenTensors(Path.Combine(path, "adapter_model.safetensors")), new GoldenTensors(Temporary.At("adapter_model.safetensors")));
        Assert.Equal(was.Names.Order(), now.Names.Order());
        Assert.All(was.Names, n => Assert.Equal(was[n].Values, now[n].Values));
    }

    private static Decoder Tuned(TuneOptions options, Compute compute)
    {
        var decoder = TinyRun.Create();
        TuningMethods.Of(options).Apply(decoder, options, compute);
        using var loop = new TrainingLoop(decoder, compute, new Vernier.Data.BatchOrder(TinyRun.Data(), 2, 1, null), options);
        for (var step = 0; step < 4; step++)
            loop.Step(step, 0.01, 0.01);
        return decoder;
    }

    private static Adapter Of(Decoder decoder, TuneOptions options) =>
        Adapter.Of(TuningMethods.Of(options), decoder, options, "tiny", null, TinyCodes.Of(decoder));

    private static double Loss(Decoder decoder, Compute compute)
    {
        var order = new Vernier.Data.BatchOrder(TinyRun.Data(), 7, 1, null);
        return decoder.SumNegativeLogLikelihood(compute, order.Begin(0) > 0 ? order.MicroBatch(0) : throw new InvalidOperationException()) / order.Begin(0);
    }

    /// <summary>The batch and the logits beside a PEFT adapter, without padding.</summary>
    private sealed class GoldenModelBatch
    {
        public GoldenModelBatch(string path)
        {
            var golden = new GoldenTensors(path);
            var (rows, width) = (golden["input_ids"].Shape[0], golden["input_ids"].Shape[1]);
            var vocabulary = golden["logits"].Shape[2];
            var kept = Enumerable.Range(0, rows * width).Where(i => golden["attention_mask"].Values[i] != 0).ToArray();
            var starts = new List<int> { 0 };
            for (var row = 0; row < rows; row++)
                starts.Add(starts[^1] + kept.Count(i => i / width == row));
            Batch = new TokenBatch([.. kept.Select(i => (int)golden["input_ids"].Values[i])], [.. starts], [.. kept.Select(_ => TokenBatch.NoTarget)]);
            Logits = [.. kept.SelectMany(i => golden["logits"].Values.Skip(i * vocabulary).Take(vocabulary)).Select(v => (float)v)];
        }

        public TokenBatch Batch { get; }

        public float[] Logits { get; }
    }
}
