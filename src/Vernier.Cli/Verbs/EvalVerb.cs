using System.CommandLine;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Evaluation;

namespace Vernier.Cli.Verbs;

/// <summary><c>eval MODEL --task NAME or FILE</c>: perplexity and task scores; <c>eval MODEL --data FILE</c>: loss on a training file.</summary>
internal static class EvalVerb
{
    public static Command Create()
    {
        var (command, common, model) = ModelArguments.NewCommand("eval", "Measure perplexity, task scores, or the loss on a training file");
        var options = new OptionBinding<EvaluationOptions>(command);
        command.SetAction((parsed, stop) => Task.FromResult(Run(parsed, common, model, options, stop)));
        return command;
    }

    private static int Run(ParseResult parsed, CommonOptions common, ModelArguments arguments, OptionBinding<EvaluationOptions> binding, CancellationToken stop)
    {
        var options = UsageException.Unless(binding.Apply(parsed, new EvaluationOptions()).Checked);
        using var model = arguments.Open(parsed);
        using var progress = new ProgressLine(Path.GetFileName(options.Task.Length > 0 ? options.Task : options.Data!));
        var result = model.Evaluate(options, (done, total) => progress.Report(done, total), stop);
        progress.Dispose();
        foreach (var note in (result as TrainingFileResult)?.Notes ?? [])
            Console.Error.WriteLine($"vernier: {note}");
        if (parsed.GetValue(common.Json) != "-")
            Console.Out.WriteLine(Describe(result));
        JsonResult.Write(parsed.GetValue(common.Json), result);
        return 0;
    }

    private static string Describe(EvaluationResult result) => FormattableString.Invariant(result switch
    {
        PerplexityResult p => (FormattableString)$"{p.Task}: perplexity {p.Perplexity:F4} (nll {p.Nll:F5}, {p.Tokens} tokens scored in {p.Windows} windows of {p.Context}, convention {p.Convention})",
        TrainingFileResult t => (FormattableString)$"{t.Task}: loss {t.Nll:F5}, perplexity {t.Perplexity:F4} ({t.Tokens} tokens scored {(t.TrainOnPrompt ? "with" : "without")} the prompts, {t.Samples - t.LeftOut} of {t.Samples} samples in {t.Windows} {(t.Windows == 1 ? "row" : "rows")} of up to {t.Context}, {t.Cut} cut)",
        ChoiceResult { AccNorm: { } norm } c => $"{c.Task}: acc {c.Acc:F4} ± {c.AccStderr:F4}, acc_norm {norm:F4} ± {c.AccNormStderr:F4} ({c.N} documents, {c.Shots} shots)",
        ChoiceResult c => $"{c.Task}: acc {c.Acc:F4} ± {c.AccStderr:F4} ({c.N} documents, {c.Shots} shots)",
        GenerationResult g => $"{g.Task}: rougeL {g.RougeL:F2}, exact match {g.ExactMatch:F2} ({g.N} instances)",
        _ => $"{result.Task}",
    });
}
