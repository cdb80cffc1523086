using System.CommandLine;
using Vernier.Cli.Arguments;
using Vernier.Tokens;

namespace Vernier.Cli.Verbs;

/// <summary><c>tokenize MODEL --file IN.jsonl --out OUT.jsonl [--decode]</c>: text or messages to ids, or ids to text.</summary>
internal static class TokenizeVerb
{
    public static Command Create()
    {
        var (command, common) = CommonOptions.NewCommand("tokenize", "Encode texts and chats to token ids, or decode ids");
        var model = new Argument<string>("MODEL") { Description = "A .gguf file, a model folder, or a folder of tokenizer files" };
        command.Add(model);
        var files = JsonLinesArguments.AddTo(command, "{\"text\"} or {\"messages\",\"add_generation_prompt\"} a line; with --decode {\"ids\"}");
        var decode = new Option<bool>("--decode") { Description = "Read ids, add text" };
        command.Add(decode);
        command.SetAction((parsed, stop) =>
        {
            var path = parsed.GetRequiredValue(model);
            var tokenizer = TokenizerLoader.FromPath(path) ?? throw new InvalidDataException($"{path}: no tokenizer");
            var work = new TokenizeFile(tokenizer.Tokenizer, tokenizer.ParseChatTemplate());
            var rows = files.Write(parsed, (input, output) => parsed.GetValue(decode) ? work.Decode(input, output, stop) : work.Encode(input, output, stop));
            JsonResult.Write(parsed.GetValue(common.Json), new { rows });
            return Task.FromResult(0);
        });
        return command;
    }
}
