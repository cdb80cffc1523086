using Vernier.Files.Gguf;

namespace Vernier.Cli.Tests;

/// <summary>A tokenizer that is not known stops work on text, never work on ids.</summary>
public sealed class UnreadableTokenizerTests : TemporaryFolder
{
    private string Model
    {
        get
        {
            TinyModelFile.Rewrite(TinyModelFile.Write(At("known.gguf")), At("model.gguf"), metadata => metadata.With(GgufValue.Of("tokenizer.ggml.pre", "nobody-knows")));
            return At("model.gguf");
        }
    }

    [Theory]
    [InlineData("generate", "--prompt-ids", "5,6", "--max-tokens", "3")]
    [InlineData("score", "--file", "IDS", "--out", "OUT")]
    [InlineData("tune", "--data", "INPUT_IDS", "--steps", "1", "--out", "OUT")]
    [InlineData("inspect")]
    [InlineData("plan")]
    [InlineData("export", "--to", "gguf", "--out", "OUT.gguf")]
    [InlineData("export", "--to", "hf", "--out", "OUT")]
    [InlineData("verify", "MODEL")]
    public void WorkOnIdsGoesOn(string verb, params string[] options)
    {
        Write("ids.jsonl", "{\"ids\":[1,2,3,4]}\n");
        Write("input.jsonl", "{\"input_ids\":[1,2,3,4]}\n");
        var model = Model;
        var run = CommandLine.Vernier([verb, model, .. options.Select(o => o switch
        {
            "IDS" => At("ids.jsonl"),
            "INPUT_IDS" => At("input.jsonl"),
            "OUT" or "OUT.gguf" => At(o),
            "MODEL" => model,
            _ => o,
        })]);
        Assert.True(run.ExitCode == 0, run.Error);
    }

    [Fact]
    public void WhatIsLeftOutIsSaid() => Assert.Contains(
        "the tokenizer is left out", CommandLine.Vernier("export", Model, "--to", "hf", "--out", At("folder")).Error, StringComparison.Ordinal);

    [Theory]
    [InlineData("generate", "--prompt", "x")]
    [InlineData("score", "--file", "TEXT", "--out", "OUT")]
    [InlineData("tune", "--data", "TEXT", "--steps", "1", "--out", "OUT")]
    [InlineData("eval", "--data", "TEXT")]
    [InlineData("eval", "--task", "PLAIN")]
    [InlineData("chat")]
    public void WorkOnTextIsToldWhy(string verb, params string[] options)
    {
        Write("text.jsonl", "{\"prompt\":\"the\",\"continuation\":\" fox\",\"text\":\"the fox\",\"completion\":\" fox\"}\n");
        var run = CommandLine.Vernier([verb, Model, .. options.Select(o => o switch { "TEXT" => At("text.jsonl"), "PLAIN" => Write("plain.txt", "the fox"), "OUT" => At("out"), _ => o })]);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains("nobody-knows", run.Error, StringComparison.Ordinal);
        Assert.Contains(At("model.gguf"), run.Error, StringComparison.Ordinal);
    }
}
