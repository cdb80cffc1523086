using System.Text.Json;
using Vernier.Files.Gguf;

namespace Vernier.Cli.Tests;

/// <summary><c>eval --data FILE</c> measures what <c>tune</c> trains on, and prompts reach inference in the form that was tuned on.</summary>
public sealed class TrainingFileTests : TemporaryFolder
{
    private const string Template = "{% for m in messages %}{{ m.role[0] + ': ' + m.content + '\n' }}{% endfor %}{% if add_generation_prompt %}{{ 'a: ' }}{% endif %}";

    public static TheoryData<string, string, int, int, int> Files => new()
    {
        { "answers.jsonl", "{\"prompt\":\"the quick\",\"completion\":\" brown fox\"}\n{\"prompt\":\"over the\",\"completion\":\" lazy dog and the quick cat\"}\n{\"prompt\":\"the\",\"completion\":\" dog\"}", 3, 0, 0 },
        { "long.jsonl", $"{{\"prompt\":\"the\",\"completion\":\"{string.Concat(Enumerable.Repeat(" lazy dog", 40))}\"}}\n{{\"prompt\":\"{string.Concat(Enumerable.Repeat("the fox ", 40))}\",\"completion\":\"x\"}}", 2, 1, 1 },
        { "task.json", "{\"definition\":\"the\",\"train\":[{\"input\":\"quick\",\"output\":\"fox\"},{\"input\":\"lazy\",\"output\":[\"dog\"]}],\"test\":[]}", 2, 0, 0 },
        { "ids.jsonl", "{\"input_ids\":[1,2,3,4,5,6]}\n{\"input_ids\":[7,8,9],\"labels\":[-100,-100,-100]}\n{\"input_ids\":[7,8,9,10],\"labels\":[-100,-100,9,10]}", 3, 1, 0 },
        { "text.txt", "\uFEFF" + string.Concat(Enumerable.Repeat("the quick brown fox jumps over the lazy dog\r\n", 13)), 1, 0, 0 },
        { "text.jsonl", "{\"text\":\"the quick brown fox\"}\n\n{\"text\":\"over the lazy dog\"}", 2, 0, 0 },
        { "chat.jsonl", "{\"messages\":[{\"role\":\"user\",\"content\":\"the\"},{\"role\":\"assistant\",\"content\":\"fox\"},{\"role\":\"user\",\"content\":\"the\"},{\"role\":\"assistant\",\"content\":\"dog\",\"weight\":0}]}\n{\"conversations\":[{\"from\":\"human\",\"value\":\"quick\"},{\"from\":\"gpt\",\"value\":\"brown\"}]}", 2, 0, 0 },
    };

    [Theory, MemberData(nameof(Files))]
    public void TheLossIsTheValidationLossOfTuning(string name, string content, int samples, int leftOut, int cut)
    {
        var model = Model();
        var data = Write(name, content);
        string[] options = ["--context", "64", "--batch", "1", "--threads", "1", "--json", "-"];
        var tune = CommandLine.Vernier(["tune", model, "--data", data, "--eval-data", data, "--steps", "4", "--lr", "1e-2", "--granularity", "group", "--out", At("run"), .. options]).Json();
        var before = CommandLine.Vernier(["eval", model, "--data", data, .. options]).Json();
        Assert.Equal(tune.GetProperty("initial_eval").GetDouble(), before.GetProperty("nll").GetDouble(), 1e-5);
        Assert.Equal(Math.Exp(before.GetProperty("nll").GetDouble()), before.GetProperty("perplexity").GetDouble(), 1e-6);
        Assert.Equal((samples, leftOut, cut), (Number(before, "samples"), Number(before, "left_out"), Number(before, "cut")));
        Assert.Equal(leftOut + cut > 0 || name is "text.txt" or "chat.jsonl", before.GetProperty("notes").GetArrayLength() > 0);

        var after = CommandLine.Vernier(["eval", model, "--adapter", At("run"), "--data", data, .. options]).Json();
        Assert.Equal(tune.GetProperty("final_eval").GetDouble(), after.GetProperty("nll").GetDouble(), 1e-4);
        Assert.True(after.GetProperty("nll").GetDouble() < before.GetProperty("nll").GetDouble());

        Assert.Equal(0, CommandLine.Vernier("export", model, "--adapter", At("run"), "--to", "gguf", "--out", At("tuned.gguf")).ExitCode);
        var exported = CommandLine.Vernier(["eval", At("tuned.gguf"), "--data", data, .. options]).Json();
        Assert.Equal(after.GetProperty("nll").GetDouble(), exported.GetProperty("nll").GetDouble(), 1e-2); // its scales are fp16
    }

    [Fact]
    public void LossOnThePromptIsAskedForAsInTuning()
    {
        var model = Model();
        var data = Write("x.jsonl", "{\"prompt\":\"the quick brown\",\"completion\":\" fox\"}");
        var answer = CommandLine.Vernier("eval", model, "--data", data, "--json", "-").Json();
        var all = CommandLine.Vernier("eval", model, "--data", data, "--train-on-prompt", "--json", "-").Json();
        Assert.True(Number(all, "tokens") > Number(answer, "tokens"));
        Assert.Equal(Number(all, "text_tokens"), Number(answer, "text_tokens"));
        Assert.True(all.GetProperty("train_on_prompt").GetBoolean());
        var text = CommandLine.Vernier("eval", model, "--data", data);
        Assert.StartsWith("x.jsonl: loss ", text.Output, StringComparison.Ordinal);
        Assert.Contains("1 of 1 samples", text.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--data x.jsonl without --task", "--task", "x.jsonl")]
    [InlineData("--task or --data is required")]
    [InlineData("--shots is for tasks", "--data", "x.jsonl", "--shots", "2")]
    [InlineData("--convention is for tasks", "--data", "x.jsonl", "--convention", "strided")]
    [InlineData("--train-on-prompt is for training files", "--task", "x.txt", "--train-on-prompt")]
    [InlineData("is a folder", "--data", ".")]
    public void WhatDoesNotGoTogetherIsWrongUsage(string says, params string[] arguments)
    {
        Write("x.jsonl", "{\"text\":\"the quick brown fox\"}");
        Write("x.txt", "the quick brown fox");
        var refusal = CommandLine.Vernier(["eval", Model(), .. arguments.Select(a => a.StartsWith("x.", StringComparison.Ordinal) ? At(a) : a)]);
        Assert.Equal(2, refusal.ExitCode);
        Assert.Contains(says.Replace("x.jsonl", At("x.jsonl"), StringComparison.Ordinal), refusal.Error, StringComparison.Ordinal);
        Assert.Empty(refusal.Output);
    }

    [Theory]
    [InlineData("task.json", "{\"definition\":\"the\",\"train\":[{\"input\":\"it's quick\",\"output\":\"fox\"}]}", "natural-instructions", "it's quick", "Definition: the\n\nInput: it's quick\nOutput:")]
    [InlineData("chat.jsonl", "{\"messages\":[{\"role\":\"system\",\"content\":\"over\"},{\"role\":\"user\",\"content\":\"the\"},{\"role\":\"assistant\",\"content\":\"fox\"}]}", "chat", "the", "s: over\nu: the\na: ")]
    [InlineData("answers.jsonl", "{\"prompt\":\"the quick \",\"completion\":\"brown\"}", "completion", "the quick ", "the quick")]
    public void PromptsTakeTheFormThatWasTunedOn(string name, string content, string form, string prompt, string applied)
    {
        var model = Model();
        var run = CommandLine.Vernier("tune", model, "--data", Write(name, content), "--steps", "1", "--batch", "1", "--context", "64", "--out", At("run"));
        Assert.True(run.ExitCode == 0, run.Error);
        string[] own = [.. ((string[])["run/vernier.json", "run/adapter_config.json"]).Select(At).Where(File.Exists)];
        Assert.Contains(own, file => File.ReadAllText(file).Contains($"\"form\": \"{form}\"", StringComparison.Ordinal));
        Assert.Contains($"--prompt '{prompt.Replace("'", "'\\''", StringComparison.Ordinal)}'", File.ReadAllText(At("run/README.md")), StringComparison.Ordinal);

        string[] options = ["--adapter", At("run"), "--max-tokens", "6", "--threads", "1", "--json", "-"];
        var tuned = CommandLine.Vernier(["generate", model, "--prompt", prompt, .. options]);
        var same = CommandLine.Vernier(["generate", model, "--prompt", applied, "--raw", .. options]);
        Assert.Equal(Ids(same), Ids(tuned));
        Assert.Contains("--raw", tuned.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("vernier:", same.Error, StringComparison.Ordinal);
        if (form == "chat")
            return;
        var chat = CommandLine.Start(["chat", model, "--adapter", At("run"), "--max-tokens", "6", "--temperature", "0", "--threads", "1", "--json", "-"], prompt + "\n");
        Assert.True(chat.ExitCode == 0, chat.Error);
        Assert.Contains("asked alone", chat.Error, StringComparison.Ordinal);
    }

    private static int Number(JsonElement json, string name) => json.GetProperty(name).GetInt32();

    private static int[] Ids(CommandLine.Run run) => [.. run.Json().GetProperty("ids").EnumerateArray().Select(id => id.GetInt32())];

    /// <summary>The tiny model with a chat template.</summary>
    private string Model() => TinyModelFile.Rewrite(TinyModelFile.Write(At("plain.gguf")), At("tiny.gguf"), metadata => metadata.With(GgufValue.Of("tokenizer.chat_template", Template)));
}
