using System.Diagnostics;

namespace Vernier.Cli.Tests;

/// <summary>A disk that fills up at any moment of any verb: one line, the old content stays whole, and nothing half is left.</summary>
public sealed class FullDiskTests : TemporaryFolder
{
    private readonly string _disk;

    public FullDiskTests()
    {
        TinyModelFile.Write(At("model.gguf"));
        Write("text.txt", string.Concat(Enumerable.Repeat("the quick brown fox jumps over the lazy dog\n", 40)));
        Write("rows.jsonl", string.Concat(Enumerable.Repeat("{\"text\":\"the quick brown fox\",\"ids\":[1,2,3,4,5,6,7,8]}\n", 400)));
        _disk = At("disk");
        Directory.CreateDirectory(_disk);
    }

    [SmallDiskTheory]
    [InlineData("export MODEL --to gguf --out DISK/out.gguf --force", "out.gguf", 24)]
    [InlineData("quantize MODEL --bits 4 --group 32 --out DISK/out.gguf --force", "out.gguf", 24)]
    [InlineData("tokenize MODEL --file ROWS --out DISK/out.jsonl --force", "out.jsonl", 24)]
    [InlineData("score MODEL --file ROWS --out DISK/out.jsonl --force", "out.jsonl", 24)]
    [InlineData("inspect MODEL --json DISK/out.json --force", "out.json", 12)]
    [InlineData("export MODEL --to hf --out DISK/folder --force", "folder/config.json", 64)]
    [InlineData("export MODEL --to native --out DISK/folder --force", "folder/config.json", 24)]
    public void TheOldContentStays(string command, string target, int kilobytes)
    {
        using var mount = new Mount(_disk, kilobytes);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_disk, target))!);
        File.WriteAllText(Path.Combine(_disk, target), "{\"old\":1}");
        File.WriteAllBytes(Path.Combine(_disk, "fill"), new byte[(kilobytes - 8) << 10]);
        var run = CommandLine.Vernier([.. command.Split(' ').Select(a => a.Replace("MODEL", At("model.gguf"), StringComparison.Ordinal).Replace("ROWS", At("rows.jsonl"), StringComparison.Ordinal).Replace("DISK", _disk, StringComparison.Ordinal))]);
        Assert.Equal(1, run.ExitCode);
        var refusal = run.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)[^1]; // after what was said of the model
        Assert.Contains(Path.Combine(_disk, target.Split('/')[0]), refusal, StringComparison.Ordinal);
        Assert.DoesNotContain(".tmp", refusal, StringComparison.Ordinal);
        Assert.Equal("{\"old\":1}", File.ReadAllText(Path.Combine(_disk, target)));
        Assert.Equal(((string[])["fill", target.Split('/')[0]]).Order(StringComparer.Ordinal), Directory.EnumerateFileSystemEntries(_disk).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal));
    }

    [SmallDiskTheory]
    [InlineData(16)]
    [InlineData(40)]
    [InlineData(56)]
    [InlineData(72)]
    [InlineData(96)]
    [InlineData(128)]
    public void ARunIsResumedAfterTheDiskWasFull(int kilobytes)
    {
        string[] options = ["tune", At("model.gguf"), "--data", At("text.txt"), "--steps", "4", "--checkpoint-every", "1", "--context", "32", "--threads", "1", "--out"];
        Assert.Equal(0, CommandLine.Vernier([.. options, At("whole")]).ExitCode);
        using var mount = new Mount(_disk, kilobytes);
        var run = CommandLine.Vernier([.. options, Path.Combine(_disk, "run")]);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_disk, "*.tmp", SearchOption.AllDirectories));
        mount.Resize(4096);
        if (run.ExitCode != 0)
            Assert.Equal(0, CommandLine.Vernier([.. options, Path.Combine(_disk, "run"), "--resume"]).ExitCode);
        Assert.Equal(File.ReadAllBytes(At("whole/adapter_model.safetensors")), File.ReadAllBytes(Path.Combine(_disk, "run/adapter_model.safetensors")));
        Assert.Equal(4, File.ReadLines(Path.Combine(_disk, "run/log.jsonl")).Count());
    }

    /// <summary>A file system in memory, of a size that is soon full.</summary>
    private sealed class Mount : IDisposable
    {
        private readonly string _path;

        public Mount(string path, int kilobytes)
        {
            _path = path;
            Assert.Equal(0, Run("mount", "-t", "tmpfs", "-o", $"size={kilobytes}k", "tmpfs", path));
        }

        public void Resize(int kilobytes) => Assert.Equal(0, Run("mount", "-o", $"remount,size={kilobytes}k", _path));

        public void Dispose() => Run("umount", _path);

        public static int Run(string program, params string[] arguments)
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
            process.StandardError.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode;
        }
    }

    /// <summary>Needs the right to mount a small file system.</summary>
    [AttributeUsage(AttributeTargets.Method)]
    private sealed class SmallDiskTheoryAttribute : TheoryAttribute
    {
        private static readonly string? s_reason = Reason();

        public SmallDiskTheoryAttribute() => Skip = s_reason;

        private static string? Reason()
        {
            if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess)
                return "a small file system can only be mounted by root on Linux";
            var probe = Directory.CreateTempSubdirectory("vernier-mount-").FullName;
            try
            {
                var mounted = Mount.Run("mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", probe) == 0;
                if (mounted)
                    Mount.Run("umount", probe);
                return mounted ? null : "this machine does not let root mount a file system";
            }
            finally
            {
                Directory.Delete(probe);
            }
        }
    }
}
