using System.CommandLine;
using Vernier.Cli.Arguments;
using Vernier.Cli.Terminal;
using Vernier.Evaluation;

namespace Vernier.Cli.Verbs;

/// <summary><c>score MODEL --file IN.jsonl --out OUT.jsonl</c>: log-probabilities, one output line a row.</summary>
internal static class ScoreVerb
{
    public static Command Create()
    {
        var (command, common, model) = ModelArguments.NewCommand("score", "Write the log-probabilities of token ids or continuations");
        var files = JsonLinesArguments.AddTo(command, "{\"ids\"} or {\"prompt\",\"continuation\"} a line");
        command.SetAction((parsed, stop) =>
        {
            using var loaded = model.Open(parsed);
            using var scorer = new DecoderScorer(loaded.Decoder, loaded.Compute, cancel: stop);
            var score = new ScoreFile(scorer, loaded.Tokenizer, loaded.Config.ContextLength, loaded.Config.VocabularySize);
            // Rows that go to standard output show by themselves how far it is.
            using var progress = parsed.GetValue(files.Output) == "-" ? null : new ProgressLine("scoring");
            var rows = files.Write(parsed, (input, output) => score.Run(input, output, rows => progress?.Report(rows, 0, parts: [$"{rows} rows"]), stop));
            JsonResult.Write(parsed.GetValue(common.Json), new { rows });
            return Task.FromResult(0);
        });
        return command;
    }
}
