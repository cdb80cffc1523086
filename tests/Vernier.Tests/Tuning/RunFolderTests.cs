using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Tests.Tuning;

/// <summary>A run's folder: what is there and no run wrote stays, one run at a time, and what a run is resumed from is whole before it begins.</summary>
public class RunFolderTests : TemporaryFolderTests
{
    private static readonly TuneOptions s_options = new() { Method = "peqa", Granularity = Granularity.Group, Bits = 4, Group = 8, Batch = 2, Steps = 4, CheckpointEvery = 1, LearningRate = 0.02f, Seed = 3 };

    [Theory]
    [InlineData("checkpoint-3/model.safetensors")]
    [InlineData("checkpoint-500/trainer_state.json")]
    [InlineData("checkpoint-1000/state.json")]
    [InlineData("README.md")]
    [InlineData("config.yaml")]
    [InlineData("log.jsonl")]
    [InlineData("loss.svg")]
    [InlineData("adapter_config.json")]
    [InlineData("adapter_model.safetensors")]
    public void What_no_run_wrote_is_named_and_kept(string name)
    {
        foreach (var (resume, replace) in ((bool, bool)[])[(false, false), (true, false), (false, true)])
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Temporary.At(name))!);
            Temporary.Write(name, "{\"mine\": 1}");
            var e = Assert.Throws<IOException>(() => Run(Temporary.Path, s_options, resume, replace));
            Assert.Contains(name.Split('/')[0], e.Message);
            Assert.Equal("{\"mine\": 1}", File.ReadAllText(Temporary.At(name)));
            Assert.Single(Directory.EnumerateFileSystemEntries(Temporary.Path));
        }
    }

    [Theory]
    [InlineData("notes.txt")]
    [InlineData("checkpoint-best/model.safetensors")]
    [InlineData("checkpoint-01/model.safetensors")]
    [InlineData("mine.1-00000000000000000000000000000000.tmp")]
    public void Other_things_in_the_folder_are_not_touched(string name)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Temporary.At(name))!);
        Temporary.Write(name, "mine");
        Run(Temporary.Path, s_options);
        Run(Temporary.Path, s_options, replace: true);
        Assert.Equal("mine", File.ReadAllText(Temporary.At(name)));
        Assert.Equal(["checkpoint-3", "checkpoint-4"], Directory.EnumerateDirectories(Temporary.Path).Select(d => Path.GetFileName(d)!).Where(d => int.TryParse(d[11..], out var n) && n > 1).Order());
    }

    [Fact]
    public void A_foreign_card_in_the_folder_of_a_run_is_kept()
    {
        Run(Temporary.Path, s_options with { StopAfter = 2 });
        Temporary.Write("README.md", "my own words");
        Assert.Contains("README.md", Assert.Throws<IOException>(() => Run(Temporary.Path, s_options, resume: true)).Message);
        Assert.Equal("my own words", File.ReadAllText(Temporary.At("README.md")));
    }

    [Fact]
    public void A_finished_run_is_replaced_only_when_asked()
    {
        Run(Temporary.Path, s_options);
        Assert.True(Tuner.HoldsFinishedRun(Temporary.Path));
        var before = File.ReadAllBytes(Temporary.At("adapter_model.safetensors"));
        Assert.Contains("finished run", Assert.Throws<IOException>(() => Run(Temporary.Path, s_options with { Seed = 4, LearningRate = 0.1f })).Message);
        Assert.Equal(before, File.ReadAllBytes(Temporary.At("adapter_model.safetensors")));
        Run(Temporary.Path, s_options with { Seed = 4, LearningRate = 0.1f }, replace: true);
        Assert.NotEqual(before, File.ReadAllBytes(Temporary.At("adapter_model.safetensors")));
    }

    [Fact]
    public void The_second_of_two_runs_is_refused_at_once_and_a_lock_that_is_left_holds_nobody_up()
    {
        Temporary.Write(".lock", "of a process that was killed");
        var refused = 0;
        Run(Temporary.Path, s_options, progress: _ =>
        {
            foreach (var resume in (bool[])[true, false])
                refused += Assert.Throws<IOException>(() => Tuner.RequireFolder(Temporary.Path, resume, true)).Message.Contains("another run") ? 1 : 0;
        });
        Assert.Equal(8, refused);
        Assert.False(File.Exists(Temporary.At(".lock")));
        Tuner.RequireFolder(Temporary.Path, resume: true, replace: false);
    }

    [Fact]
    public void A_refusal_leaves_no_folder()
    {
        Tuner.RequireFolder(Temporary.At("new"), resume: false, replace: false);
        Assert.False(Directory.Exists(Temporary.At("new")));
    }

    [Theory]
    [InlineData("byte", "line 1")]
    [InlineData("second byte", "line 2")]
    [InlineData("short", "line 2")]
    [InlineData("cut", "line 2")]
    [InlineData("missing", "line 1")]
    [InlineData("empty", "line 1")]
    [InlineData("swapped", "line 1")]
    [InlineData("longer", "line 2")]
    public void A_damaged_log_is_found_before_the_first_step(string how, string where)
    {
        Run(Temporary.Path, s_options with { StopAfter = 2 });
        var log = Temporary.At("log.jsonl");
        var lines = File.ReadAllLines(log);
        switch (how)
        {
            case "byte":
                File.WriteAllText(log, "\0" + File.ReadAllText(log)[1..]);
                break;
            case "second byte":
                File.WriteAllText(log, $"{lines[0]}\n{lines[1][..20]}\0{lines[1][21..]}\n");
                break;
            case "short":
                File.WriteAllText(log, lines[0] + "\n");
                break;
            case "cut":
                File.WriteAllText(log, File.ReadAllText(log)[..^3]);
                break;
            case "missing":
                File.Delete(log);
                break;
            case "empty":
                File.WriteAllText(log, "");
                break;
            case "swapped":
                File.WriteAllText(log, $"{lines[1]}\n{lines[0]}\n");
                break;
            default:
                File.WriteAllText(log, $"{lines[0]}\n{lines[1].Replace("{", "{ ")}\n");
                break;
        }
        var e = Assert.Throws<InvalidDataException>(() => Run(Temporary.Path, s_options, resume: true, progress: _ => Assert.Fail("a step was trained")));
        Assert.Contains(log, e.Message);
        Assert.Contains(where, e.Message);
    }

    [Fact]
    public void A_log_that_went_on_after_the_checkpoint_is_cut_to_it()
    {
        Run(Temporary.Path, s_options with { StopAfter = 2 });
        File.AppendAllText(Temporary.At("log.jsonl"), "{\"step\":3,\"lo");
        Assert.True(Run(Temporary.Path, s_options, resume: true).Finished);
        Assert.Equal(4, File.ReadLines(Temporary.At("log.jsonl")).Count());
    }

    [Theory]
    [InlineData("state.json", "cut")]
    [InlineData("state.json", "missing")]
    [InlineData("optimizer.safetensors", "cut")]
    [InlineData("optimizer.safetensors", "byte")]
    [InlineData("parameters.safetensors", "missing")]
    [InlineData("parameters.safetensors", "byte")]
    public void A_damaged_checkpoint_is_passed_over_with_a_note_and_without_another_refused(string file, string how)
    {
        using var whole = new TemporaryFolder();
        Run(whole.Path, s_options);
        Run(Temporary.Path, s_options with { StopAfter = 3 });
        Damage(Temporary.At($"checkpoint-3/{file}"), how);
        if (file == "parameters.safetensors" && how == "missing") // it still has our state
            Assert.True(File.Exists(Temporary.At("checkpoint-3/state.json")));
        var result = Run(Temporary.Path, s_options, resume: true);
        Assert.Contains(result.Warnings, w => w.Contains(Temporary.At($"checkpoint-3/{file}")) && w.Contains("checkpoint-2"));
        Assert.Equal(File.ReadAllBytes(whole.At("adapter_model.safetensors")), File.ReadAllBytes(Temporary.At("adapter_model.safetensors")));

        using var lost = new TemporaryFolder();
        Run(lost.Path, s_options with { StopAfter = 1 });
        Damage(lost.At($"checkpoint-1/{file}"), how);
        var e = Assert.Throws<InvalidDataException>(() => Run(lost.Path, s_options, resume: true, progress: _ => Assert.Fail("a step was trained")));
        Assert.Contains(lost.At($"checkpoint-1/{file}"), e.Message);
    }

    private static void Damage(string path, string how)
    {
        var bytes = File.ReadAllBytes(path);
        if (how == "missing")
            File.Delete(path);
        else if (how == "cut")
            File.WriteAllBytes(path, bytes[..(bytes.Length / 2)]);
        else
        {
            bytes[^5] ^= 0x10;
            File.WriteAllBytes(path, bytes);
        }
    }

    private static TuneResult Run(string folder, TuneOptions options, bool resume = false, bool replace = false, Action<TuneProgress>? progress = null)
    {
        using var compute = new Compute(1, ComputeMode.Fp32);
        using var decoder = TinyRun.Create(1);
        return new Tuner(decoder, compute, "tiny", () => TinyCodes.Of(decoder), options, TinyRun.Data(), null, folder).Run(resume, progress, default, replace);
    }
}
