using System.Text.Json.Nodes;
using Vernier.Export;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Files.Tensors;
using Vernier.Models;

namespace Vernier.Tests.Models;

/// <summary>Keys and tensors that change the arithmetic are refused by their names; keys that nothing knows are told of.</summary>
public sealed class ConfigRulesTests : TemporaryFolderTests
{
    [Theory]
    [InlineData("logit_scale", "0.0625")]
    [InlineData("partial_rotary_factor", "0.5")]
    [InlineData("num_local_experts", "8")]
    [InlineData("is_encoder_decoder", "true")]
    [InlineData("no_rope_layers", "[1, 0]")]
    [InlineData("query_pre_attn_scalar", "256")]
    [InlineData("rope_scaling", """{"rope_type": "proportional", "factor": 2.0}""")]
    [InlineData("rope_scaling", """{"rope_type": "linear", "factor": 2.0, "mrope_section": [1, 2, 1]}""")]
    public void AKeyThatChangesTheArithmeticIsRefused(string key, string value) =>
        Assert.Contains($"'{key}", Assert.Throws<NotSupportedException>(() => LanguageModel.Load(Folder(key, value))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("logit_scale", "1")]
    [InlineData("partial_rotary_factor", "1.0")]
    [InlineData("attn_logit_softcapping", "null")]
    [InlineData("num_experts", "0")]
    [InlineData("attention_dropout", "0.1")]
    public void WhatChangesNothingIsPassedOver(string key, string value)
    {
        using var model = LanguageModel.Load(Folder(key, value));
        Assert.Empty(model.Source.Notes);
    }

    [Fact]
    public void FactorsAreSpelledAsFractions()
    {
        var formula = new RopeFormula { Type = RopeFormula.Linear, Factor = 8 };
        using (var model = LanguageModel.CreateRandom(TinyModel.Config() with { RopeFormula = formula, RopeFrequencyFactors = formula.Factors(10000, 8) }, 1, null, new LoadOptions { Threads = 1 }))
            HuggingFaceExport.Write(model, Temporary.Path, ElementType.F32);
        Assert.Contains("\"factor\": 8.0", File.ReadAllText(Temporary.At("config.json")), StringComparison.Ordinal);
        using var copy = LanguageModel.Load(Temporary.Path);
        Assert.Equal(formula.Factors(10000, 8), copy.Config.RopeFrequencyFactors);
    }

    [Fact]
    public void AnUnknownKeyIsToldOf()
    {
        using var model = LanguageModel.Load(Folder("brand_new_gate", "3"));
        Assert.Contains("brand_new_gate", Assert.Single(model.Source.Notes), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama.logit_scale", 0.5f)]
    [InlineData("llama.expert_weights_scale", 2.5f)]
    [InlineData("llama.attention.scale", 0.9f)]
    [InlineData("llama.rope.scaling.yarn_beta_fast", 16f)]
    public void AKeyOfAGgufFileIsRefusedToo(string key, float value) =>
        Assert.Contains($"'{key}'", Assert.Throws<NotSupportedException>(() => LanguageModel.Load(Gguf(key, value, null))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("llama.rope.scaling.factor", -4f)]
    [InlineData("llama.rope.scaling.factor", float.NaN)]
    public void ImpossibleRotaryNumbersOfAGgufFileAreRefused(string key, float value) =>
        Assert.Contains("'llama.rope.scaling'", Assert.Throws<InvalidDataException>(() => LanguageModel.Load(Gguf(key, value, null))).Message, StringComparison.Ordinal);

    [Theory]
    [InlineData("blk.0.attn_sinks.weight")]
    [InlineData("rope_factors_long.weight")]
    [InlineData("blk.1.attn_k.bias")] // in one layer only
    public void ATensorWithoutAPlaceIsRefusedToo(string tensor) =>
        Assert.Contains($"'{tensor}'", Assert.Throws<NotSupportedException>(() => LanguageModel.Load(Gguf("llama.logit_scale", 1, tensor))).Message, StringComparison.Ordinal);

    private string Folder(string key, string value)
    {
        using (var model = LanguageModel.CreateRandom(TinyModel.Config(), 1, null, new LoadOptions { Threads = 1 }))
            HuggingFaceExport.Write(model, Temporary.Path, ElementType.F32);
        var path = Temporary.At("config.json");
        var json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        json[key] = JsonNode.Parse(value);
        File.WriteAllText(path, json.ToJsonString());
        return Temporary.Path;
    }

    private string Gguf(string key, float value, string? tensor)
    {
        var (plain, path) = (Temporary.At("plain.gguf"), Temporary.At("m.gguf"));
        using (var model = LanguageModel.CreateRandom(TinyModel.Config(), 1, null, new LoadOptions { Threads = 1 }))
            GgufExport.Write(model, plain);
        using var source = GgufFile.Open(plain);
        var plans = source.Tensors.Select(t => t.Plan).ToList();
        if (tensor is not null)
            plans.Add(new GgufTensorPlan(tensor, [16], BlockFormats.F32));
        using var writer = GgufWriter.Create(path, source.Metadata.With(GgufValue.Of(key, value)), plans);
        foreach (var t in source.Tensors)
            writer.Write(source.Bytes(t));
        if (tensor is not null)
            writer.Write(new byte[64]);
        writer.Commit();
        return path;
    }
}
