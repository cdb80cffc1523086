using System.CommandLine;
using Vernier.Files.Disk;
using Vernier.Files.Gguf;

namespace Vernier.Cli.Arguments;

/// <summary><c>--split SIZE</c>: a GGUF file is written as several.</summary>
internal sealed class SplitOption
{
    private readonly Option<long?> _size = NumberOption.Size("--split", "gguf: write files of at most this size, OUT-00001-of-0000N.gguf, as llama.cpp splits and reads them, e.g. 4G", "[1, ]");

    public static SplitOption AddTo(Command command)
    {
        var option = new SplitOption();
        command.Add(option._size);
        return option;
    }

    /// <summary>The size that was given; null = one file.</summary>
    /// <param name="gguf">The output is a GGUF file.</param>
    /// <param name="output">The name that the whole file would have.</param>
    /// <param name="input">What is read: no file of it may be overwritten.</param>
    /// <exception cref="UsageException">The output is none that can be split, or there are files of an older split and no --force.</exception>
    public long? Of(ParseResult parsed, bool gguf, string output, OutputGuard.Named input)
    {
        if (parsed.GetValue(_size) is not { } size)
            return null;
        if (!gguf)
            throw new UsageException("--split is for gguf files");
        if (OutputFile.IsStream(output))
            throw new UsageException("--split needs a name in --out: several files are written");
        var there = GgufShards.Existing(output);
        OutputGuard.RequireApart([.. there.Select(path => new OutputGuard.Named("--out", path))], OutputGuard.WithShards([input]));
        if (there.Count > 0 && !parsed.GetValue<bool>("--force"))
            throw new UsageException($"--out {output} --split would overwrite {there[0]}: give another name, or --force to replace what was split before");
        return size;
    }
}
