using Vernier.Cli.Verbs;

namespace Vernier.Cli.Tests;

/// <summary>A file that is not there, or is a folder: one wording in every verb and option, and nothing is left behind.</summary>
public sealed class MissingFileTests : TemporaryFolder
{
    // @ is the file under test, M a model, T a text, O an output.
    public static TheoryData<string> Lines =>
    [
        "inspect @", "plan @", "quantize @ --out O", "tune @ --data T --out O", "tune M --data @ --out O --steps 1", "tune M --data T --eval-data @ --out O --steps 1", "tune --config @",
        "eval @ --task T", "eval M --task @", "eval M --task piqa --data @", "eval M --adapter @ --task T", "score M --file @ --out O", "tokenize M --file @ --out O", "tokenize @ --file T --out O",
        "generate @ --prompt a", "chat @", "export @ --to gguf --out O", "export M --adapter @ --to hf --out O", "verify @ M", "verify M @", "adapter info @", "adapter diff @ @",
        "adapter interpolate @ @ --weight 0.5 --out O", "bench @", "compare @", "sweep @ --data T --out O", "sweep M --data @ --out O", "quantize M --scheme gptq --calibration @ --out O",
    ];

    [Theory]
    [MemberData(nameof(Lines))]
    public async Task IsNamedAsItWasTyped(string line)
    {
        foreach (var missing in (string[])["none.txt", "no-folder/none.txt"])
            Assert.Equal((1, $"vernier: {At(missing)}: no such file or folder"), await Run(line, At(missing)));
        Assert.Equal(["model.gguf", "text.txt"], Directory.EnumerateFileSystemEntries(At("")).Select(Path.GetFileName).Order());
    }

    [Theory]
    [InlineData("tune M --data @ --out O --steps 1")]
    [InlineData("tune --config @")]
    [InlineData("eval M --task @")]
    [InlineData("eval M --task piqa --data @")]
    [InlineData("score M --file @ --out O")]
    [InlineData("tokenize M --file @ --out O")]
    public async Task AFolderIsNoFile(string line)
    {
        Directory.CreateDirectory(At("folder.d"));
        Assert.Equal((1, $"vernier: {At("folder.d")}: is a folder, expected a file"), await Run(line, At("folder.d")));
        Assert.False(Path.Exists(At("out")));
    }

    [Theory]
    [InlineData("export M --adapter @ --to hf --out O")]
    [InlineData("generate @ --prompt a")]
    [InlineData("adapter info @")]
    public async Task ARelativePathIsNamedAsItWasTyped(string line)
    {
        var missing = Path.GetRelativePath(Directory.GetCurrentDirectory(), At("none"));
        Assert.Equal((1, $"vernier: {missing}: no such file or folder"), await Run(line, missing));
    }

    [Theory]
    [InlineData("export M --adapter @ --to hf --out O")]
    [InlineData("adapter info @")]
    public async Task AFileIsNoFolder(string line) => Assert.Equal((1, $"vernier: {At("text.txt")}: is a file, expected a folder"), await Run(line, At("text.txt")));

    [Fact]
    public async Task ATextIsNoModel() => Assert.Equal(
        (1, $"vernier: {At("text.txt")}: beginning of the file: found none of a model, expected GGUF, a safetensors header or a PyTorch archive"), await Run("inspect @", At("text.txt")));

    [Fact]
    public async Task AFolderWithoutAModelSaysSo()
    {
        Directory.CreateDirectory(At("folder.d"));
        Assert.Equal((1, $"vernier: {At("folder.d")}: model folder: found no config.json, expected it beside the weights"), await Run("generate @ --prompt a", At("folder.d")));
    }

    private async Task<(int Exit, string Error)> Run(string line, string path)
    {
        if (!File.Exists(At("model.gguf")))
            TinyModelFile.Write(At("model.gguf"));
        Write("text.txt", "the quick brown fox");
        string[] arguments = [.. line.Split(' ').Select(word => word switch { "@" => path, "M" => At("model.gguf"), "T" => At("text.txt"), "O" => At("out"), _ => word })];
        var error = new StringWriter();
        var exit = await ErrorReport.RunAsync(CommandTree.Create(arguments[0]), arguments, error);
        return (exit, error.ToString().TrimEnd());
    }
}
