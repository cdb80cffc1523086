namespace Vernier.Cli.Tests;

/// <summary>What a tuning run says, and the card it leaves, to somebody who sees both for the first time.</summary>
public sealed class TuneTalkTests : TemporaryFolder
{
    [Fact]
    public void ARestIsToldOnceAndIsNoWarning()
    {
        var (run, card) = Tune("peqa", "--eval-data", Text("held.txt", 21));
        Assert.Equal(2, run.Error.Split("do not fill a row").Length - 1); // of the data, and of the validation data
        Assert.DoesNotContain("WARNING", run.Error, StringComparison.Ordinal);
        Assert.Contains("plan    1 step of 1 row:", run.Error, StringComparison.Ordinal);
        Assert.Contains("for 1 step, by the first one", run.Error, StringComparison.Ordinal);
        Assert.Contains("| before | after |", card, StringComparison.Ordinal);
        Assert.DoesNotContain("> **", card, StringComparison.Ordinal);
        Assert.Contains("\ntext.txt: the last ", card, StringComparison.Ordinal);
        Assert.Contains("\nheld.txt: the last ", card, StringComparison.Ordinal);
    }

    [Fact]
    public void TheCardSaysNoPathOfThisMachineAndNoFigureThatWasNotTaken()
    {
        var (_, card) = Tune("peqa");
        Assert.DoesNotContain(Path.GetDirectoryName(At("x"))!, card, StringComparison.Ordinal);
        Assert.Contains("vernier export model.gguf --adapter run --to gguf", card, StringComparison.Ordinal);
        Assert.Contains("| 1 of 1, 1 row each |", card, StringComparison.Ordinal);
        Assert.Contains("| codes | unchanged |", card, StringComparison.Ordinal);
        Assert.DoesNotContain("| before | after |", card, StringComparison.Ordinal);
    }

    [Fact]
    public void TheCardSaysWhyCodesAreNew() =>
        Assert.Contains("| codes | new ones: l4q trains the codes |", Tune("l4q", "--bits", "4").Card, StringComparison.Ordinal);

    [Fact]
    public void AStoppedRunSaysTheCommandThatGoesOn()
    {
        TinyModelFile.Write(At("a model.gguf"));
        string[] words = ["tune", At("a model.gguf"), "--data", Text("text.txt", 21), "--steps", "2", "--batch", "1", "--context", "13", "--threads", "1", "--out", At("run")];
        var stopped = CommandLine.Vernier([.. words, "--stop-after=1", "--force"]);
        Assert.Contains($"go on with: vernier {string.Join(' ', words.Select(w => w.Contains(' ') ? $"'{w}'" : w))} --resume\n", stopped.Output, StringComparison.Ordinal);
        Assert.Contains("step 2 of 2", CommandLine.Vernier([.. words, "--resume"]).Output, StringComparison.Ordinal);
    }

    private string Text(string name, int words) => Write(name, string.Join(' ', Enumerable.Repeat("the quick brown fox", words)));

    private (CommandLine.Run Run, string Card) Tune(string method, params string[] more)
    {
        TinyModelFile.Write(At("model.gguf"));
        var run = CommandLine.Vernier(["tune", At("model.gguf"), "--data", Text("text.txt", 21), "--method", method, "--steps", "1", "--batch", "1", "--context", "13", "--threads", "1", "--lr", "0", "--out", At("run"), .. more]);
        Assert.True(run.ExitCode == 0, run.Error);
        return (run, File.ReadAllText(At("run/README.md")));
    }
}
