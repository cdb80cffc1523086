using System.Text.Json;
using Vernier.Calibration;
using Vernier.Export;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Inspection;
using Vernier.Options;
using Vernier.Tuning;

namespace Vernier.Cli.Tests;

/// <summary>inspect and verify: what a model is, what can be done with it, and what it shares with another.</summary>
public sealed class InspectTests : TemporaryFolder
{
    [Fact]
    public void AModelShowsItsSizesTokenizerAndWhatCanBeDone()
    {
        var model = TinyModelFile.Write(At("tiny.gguf"));
        var json = CommandLine.Vernier("inspect", model, "--json", "-").Json();
        Assert.Equal(TinyModelFile.Context, json.GetProperty("context_length").GetInt32());
        Assert.True(json.GetProperty("vocabulary").GetInt32() > 256);
        Assert.StartsWith("byte-level BPE", json.GetProperty("tokenizer").GetString(), StringComparison.Ordinal);
        Assert.Equal(JsonValueKind.Null, json.GetProperty("chat_template").ValueKind);
        Assert.Equal(Enum.GetValues<Granularity>().Select(g => OptionValue.NameOf(g)), Texts(json, "granularities"));
        var table = CommandLine.Vernier("inspect", model).Output;
        Assert.All(["context of 64 tokens", "tokenizer: byte-level BPE", "chat template: none", "--granularity channel, separable", "export --to gguf"], text => Assert.Contains(text, table, StringComparison.Ordinal));
    }

    [Fact]
    public void ATemplateIsNamedWithItsHash()
    {
        var model = TinyModelFile.Rewrite(TinyModelFile.Write(At("a.gguf")), At("b.gguf"),
            metadata => metadata.With(Files.Gguf.GgufValue.Of("tokenizer.chat_template", "{% for m in messages %}<|im_start|>{{ m.content }}{% endfor %}")));
        var json = CommandLine.Vernier("inspect", model, "--json", "-").Json();
        Assert.Equal("chatml", json.GetProperty("chat_template").GetString());
        Assert.Matches("^[0-9a-f]{64}$", json.GetProperty("chat_template_sha256").GetString());
    }

    /// <summary>What inspect offers, export does.</summary>
    [Fact]
    public void EveryFormatThatIsNamedCanBeWritten()
    {
        var gguf = TinyModelFile.Write(At("tiny.gguf"));
        var folder = At("native");
        Assert.Equal(0, CommandLine.Vernier("quantize", gguf, "--bits", "3", "--group", "0", "--out", folder).ExitCode);
        foreach (var path in (string[])[gguf, folder])
            foreach (var format in FileInspector.Inspect(path).ExportFormats!)
            {
                var output = At($"{Path.GetFileName(path)}-{format}" + (format == "gguf" ? ".gguf" : ""));
                var run = CommandLine.Vernier("export", path, "--to", format, "--out", output);
                Assert.True(run.ExitCode == 0, $"{path} to {format}: {run.Error}");
            }
        Assert.Equal(["channel"], FileInspector.Inspect(folder).Granularities);
    }

    /// <summary>What a field does not know is null, and there.</summary>
    [Fact]
    public void NoDocumentedFieldIsLeftOut()
    {
        using (var writer = SafetensorsWriter.Create(At("one.safetensors"), [new("t", ElementType.F32, [1])]))
        {
            writer.Write(new byte[4]);
            writer.Commit();
        }
        var model = TinyModelFile.Write(At("tiny.gguf"));
        Complete<FileInspection>(CommandLine.Vernier("inspect", At("one.safetensors"), "--json", "-"));
        Complete<FileInspection>(CommandLine.Vernier("inspect", model, "--json", "-"));
        Complete<TuningPlan>(CommandLine.Vernier("plan", model, "--no-measure", "--json", "-"));
        Complete<CodeComparison>(CommandLine.Vernier("verify", model, model, "--json", "-"));
        Complete<ExportResult>(CommandLine.Vernier("export", model, "--to", "hf", "--out", At("hf"), "--json", "-"));
        Complete<QuantizeResult>(CommandLine.Vernier("quantize", At("hf"), "--out", At("native"), "--json", "-"));
        Complete<TuneResult>(CommandLine.Vernier("tune", model, "--data", Write("d.txt", string.Concat(Enumerable.Repeat("the quick brown fox ", 40))), "--steps", "1", "--context", "16", "--batch", "1", "--out", At("run"), "--json", "-"));
    }

    [Fact]
    public void ModelsWithoutCodesAreComparedByTheirTensors()
    {
        var (a, b) = (TinyModelFile.Write(At("a.gguf")), TinyModelFile.Write(At("b.gguf"), seed: 2));
        foreach (var (model, name) in (((string, string)[])[(a, "hf-a"), (b, "hf-b")]))
            Assert.Equal(0, CommandLine.Vernier("export", model, "--to", "hf", "--out", At(name)).ExitCode);
        var same = CommandLine.Vernier("verify", At("hf-a"), At("hf-a"), "--json", "-").Json();
        Assert.Equal((JsonValueKind.Null, true), (same.GetProperty("codes_equal").ValueKind, same.GetProperty("tensors_equal").GetBoolean()));
        Assert.Contains("no integer codes in either; all", CommandLine.Vernier("verify", At("hf-a"), At("hf-a")).Output, StringComparison.Ordinal);
        var other = CommandLine.Vernier("verify", At("hf-a"), At("hf-b"));
        Assert.Equal(1, other.ExitCode);
        Assert.Contains("tensors differ", other.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("NOT equal", other.Output, StringComparison.Ordinal);
        Assert.Contains("codes NOT equal", CommandLine.Vernier("verify", a, At("hf-a")).Output, StringComparison.Ordinal);
    }

    private static void Complete<T>(CommandLine.Run run)
    {
        var json = run.Json();
        Assert.All(CliReference.Fields(typeof(T)), name => Assert.True(json.TryGetProperty(name, out _), name));
    }

    private static IEnumerable<string?> Texts(JsonElement json, string name) => json.GetProperty(name).EnumerateArray().Select(e => e.GetString());
}
