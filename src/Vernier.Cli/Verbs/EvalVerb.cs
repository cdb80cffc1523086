using System.CommandLine;
using Vernier.Cli.Terminal;
using Vernier.Evaluation;

namespace Vernier.Cli.Verbs;

/// <summary><c>eval MODEL --task NAME or FILE</c>: perplexity and task scores.</summary>
internal static class EvalVerb
{
    public static Command Create()
    {
        var command = new Command("eval", "Measure perplexity or task scores");
        var common = CommonOptions.AddTo(command);
        var model = ModelArguments.AddTo(command, common);
        var options = new OptionBinding<EvaluationOptions>(command);
        command.Validators.Add(result =>
        {
            if (!result.Children.Any(c => c is System.CommandLine.Parsing.OptionResult { Option.Name: "--task" }))
                result.AddError($"--task is required: a text file, or one of {string.Join(", ", Evaluator.TaskNames)}");
        });
        command.SetAction((parsed, stop) => Task.FromResult(Run(parsed, common, model, options, stop)));
        return command;
    }

    private static int Run(ParseResult parsed, CommonOptions common, ModelArguments arguments, OptionBinding<EvaluationOptions> binding, CancellationToken stop)
    {
        var options = UsageException.Unless(binding.Apply(parsed, new EvaluationOptions()).Checked);
        using var model = arguments.Open(parsed);
        using var scorer = new DecoderScorer(model.Decoder, model.Compute, cancel: stop);
        var evaluator = new Evaluator(scorer, Prompts.Tokenizer(model), model.Config.ContextLength, Answers.Greedy(model, stop));
        using var progress = new ProgressLine(Path.GetFileName(options.Task));
        var result = evaluator.Run(options, (done, total) => progress.Report(done, total), stop);
        progress.Dispose();
        if (parsed.GetValue(common.Json) != "-")
            Console.Out.WriteLine(Describe(result));
        JsonResult.Write(parsed.GetValue(common.Json), result);
        return 0;
    }

    private static string Describe(EvaluationResult result) => FormattableString.Invariant(result switch
    {
        PerplexityResult p => (FormattableString)$"{p.Task}: perplexity {p.Perplexity:F4} (nll {p.Nll:F5}, {p.Tokens} tokens scored in {p.Windows} windows of {p.Context}, convention {p.Convention})",
        ChoiceResult { AccNorm: { } norm } c => $"{c.Task}: acc {c.Acc:F4} ± {c.AccStderr:F4}, acc_norm {norm:F4} ± {c.AccNormStderr:F4} ({c.N} documents, {c.Shots} shots)",
        ChoiceResult c => $"{c.Task}: acc {c.Acc:F4} ± {c.AccStderr:F4} ({c.N} documents, {c.Shots} shots)",
        GenerationResult g => $"{g.Task}: rougeL {g.RougeL:F2}, exact match {g.ExactMatch:F2} ({g.N} instances)",
        _ => $"{result.Task}",
    });
}
