using System.Diagnostics;
using Vernier.Cli.Help;
using Vernier.Cli.Tests.Terminal;
using Vernier.Cli.Verbs;

namespace Vernier.Cli.Tests;

/// <summary>What shells are offered.</summary>
public sealed class CompletionTests : TemporaryFolder
{
    [Theory]
    [InlineData("tu", "tune")]
    [InlineData("adapter d", "diff")]
    [InlineData("tune m.gguf --meth", "--method")]
    [InlineData("tune m.gguf --method q", "qlora qat qat-lora qa-lora")]
    [InlineData("tune m.gguf --granularity ", "channel separable group low-rank")]
    [InlineData("quantize m --scheme rtn", "rtn rtn-sym")]
    [InlineData("export m --to g", "gguf gptq")]
    [InlineData("eval m --task hell", "hellaswag")]
    [InlineData("eval m --compute ", "fp32 int8")]
    [InlineData("plan --shape smollm2-1", "smollm2-135m smollm2-1.7b")]
    [InlineData("sweep m --method qa", "qat qat-lora qa-lora")]
    [InlineData("completion ", "bash zsh powershell")]
    [InlineData("tune --data ", "")] // a file: the shell's business
    [InlineData("inspect mod", "")]
    [InlineData("frobnicate ", "")]
    public void NamesThatFitAreOffered(string line, string expected) =>
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), Completions.At(CommandTree.Create(), line).Where(w => line.Length > 0).Order());

    [Fact]
    public void AnEmptyLineOffersTheVerbsAndAnOptionIsOfferedOnce()
    {
        Assert.Equal(Verbs.VerbList.All.Select(v => v.Name).Order(), Completions.At(CommandTree.Create(), "").Order());
        Assert.DoesNotContain("--lr", Completions.At(CommandTree.Create(), "tune m --lr 1 --l"));
    }

    [Theory]
    [InlineData("bash", "complete -F _vernier vernier")]
    [InlineData("zsh", "compdef _vernier vernier")]
    [InlineData("powershell", "Register-ArgumentCompleter -Native -CommandName vernier")]
    public void ScriptsAskTheProgramItself(string shell, string line)
    {
        var run = CommandLine.Vernier("completion", shell);
        Assert.Equal(0, run.ExitCode);
        Assert.Contains(line, run.Output, StringComparison.Ordinal);
        Assert.Contains("completion --at", run.Output, StringComparison.Ordinal);
    }

    /// <summary>The script in a real bash, as the completion of a line calls it.</summary>
    [ShellTheory]
    [InlineData("vernier tune m.gguf --method lo", "lora")]
    [InlineData("vernier export m.gguf --to ma", "")]
    [InlineData("vernier inspect som", "some-file.gguf")]
    public void BashCompletes(string line, string expected)
    {
        Write("some-file.gguf", "");
        Write("script", CommandLine.Vernier("completion", "bash").Output);
        Write("try.sh", $$"""
            cd "$(dirname "$0")" && . ./script
            vernier() { dotnet "{{CommandLine.Program}}" "$@"; }
            COMP_LINE='{{line}}' COMP_POINT=${#COMP_LINE} COMP_WORDS=($COMP_LINE); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
            COMP_POINT=${#COMP_LINE}
            _vernier && printf '%s\n' "${COMPREPLY[@]}"
            """);
        using var bash = Process.Start(new ProcessStartInfo("/bin/bash", [At("try.sh")]) { RedirectStandardOutput = true })!;
        Assert.Equal(expected, bash.StandardOutput.ReadToEnd().Trim());
    }
}
