namespace Vernier.Cli.Tests;

/// <summary>What a killed process leaves holds nobody up: the next that writes the same name removes it, and a run's lock is free.</summary>
public sealed class KilledProcessTests : TemporaryFolder
{
    [Fact]
    public void TheSecondRunIsRefusedWhileTheFirstLivesAndNotAfterItsDeath()
    {
        TinyModelFile.Write(At("model.gguf"));
        Write("text.txt", string.Concat(Enumerable.Repeat("the quick brown fox jumps over the lazy dog\n", 40)));
        string[] options = ["tune", At("model.gguf"), "--data", At("text.txt"), "--method", "full", "--lr", "1e-3", "--context", "32", "--steps", "100000", "--checkpoint-every", "1", "--threads", "1", "--out", At("run")];
        using (var first = CommandLine.Begin(options))
        {
            first.ErrorDataReceived += (_, _) => { };
            first.BeginErrorReadLine(); // so that it never waits for us
            while (!first.HasExited && !Directory.Exists(At("run/checkpoint-2")))
                Thread.Yield();
            Assert.Contains("another run", CommandLine.Vernier([.. options, "--resume"]).Refusal(), StringComparison.Ordinal);
            Assert.Contains("another run", CommandLine.Vernier([.. options, "--force"]).Refusal(), StringComparison.Ordinal);
            Assert.False(first.HasExited);
            first.Kill();
            first.WaitForExit();
        }
        Assert.True(File.Exists(At("run/.lock")));
        Assert.Contains("resume it", CommandLine.Vernier(options).Refusal(), StringComparison.Ordinal);
        var step = Directory.EnumerateDirectories(At("run"), "checkpoint-*").Select(d => Path.GetFileName(d)[11..]).Select(n => int.TryParse(n, out var s) ? s : 0).Max();
        Assert.Equal(0, CommandLine.Vernier([.. options, "--resume", "--stop-after", $"{step + 1}"]).ExitCode);
        Assert.Empty(Directory.EnumerateFileSystemEntries(At("run"), "*.tmp"));
        Assert.False(File.Exists(At("run/.lock")));
    }

    [Fact]
    public void AnExportRemovesWhatAKilledOneLeft()
    {
        TinyModelFile.Write(At("model.gguf"));
        var gone = $".{int.MaxValue}-{Guid.NewGuid():N}.tmp";
        Write("out.gguf" + gone, "half");
        Directory.CreateDirectory(At("folder" + gone));
        Write($"folder{gone}/model.safetensors", "half");
        Assert.Equal(0, CommandLine.Vernier("export", At("model.gguf"), "--to", "gguf", "--out", At("out.gguf")).ExitCode);
        Assert.Equal(0, CommandLine.Vernier("quantize", At("model.gguf"), "--bits", "4", "--out", At("folder")).ExitCode);
        Assert.Equal(["folder", "model.gguf", "out.gguf"], Directory.EnumerateFileSystemEntries(Path.GetDirectoryName(At("x"))!).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
    }
}
