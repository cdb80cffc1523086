using System.CommandLine;
using System.Globalization;
using Vernier.Export;
using Vernier.Files;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Cli.Verbs;

/// <summary><c>export MODEL [--adapter DIR] --to FORMAT --out PATH</c>: the merged model.</summary>
internal static class ExportVerb
{
    private static readonly string[] Formats = ["gguf", "hf", "native"];

    public static Command Create()
    {
        var command = new Command("export", "Write the tuned model as GGUF (same blocks, new scales), as a Hugging Face folder or as a native one");
        var common = CommonOptions.AddTo(command);
        var model = ModelArguments.AddTo(command, common);
        var to = new Option<string>("--to") { Description = "gguf: one file in the block formats that came in; hf: a folder, dequantized; native: a folder of codes and scales to the bit", Required = true };
        to.AcceptOnlyFromAmong(Formats);
        var type = new Option<string?>("--dtype") { Description = "Type of plain numbers: f32, f16 or bf16 [default: hf f32, gguf as in the source]" };
        type.AcceptOnlyFromAmong("f32", "f16", "bf16");
        var output = new Option<string>("--out") { Description = "The file (gguf) or folder (hf, native) to write", HelpName = "PATH", Required = true };
        command.Add(to);
        command.Add(type);
        command.Add(output);
        command.SetAction(parsed =>
        {
            using var loaded = model.Open(parsed);
            var (path, dtype) = (parsed.GetRequiredValue(output), parsed.GetValue(type));
            var result = parsed.GetRequiredValue(to) switch
            {
                "gguf" => GgufExport.Write(loaded, path, dtype is null ? null : BlockFormats.Find(dtype)),
                "native" => NativeExport.Write(loaded, path),
                _ => HuggingFaceExport.Write(loaded, path, dtype is null ? ElementType.F32 : Enum.Parse<ElementType>(dtype, ignoreCase: true)),
            };
            var json = parsed.GetValue(common.Json);
            if (json != "-")
                Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{result.Path}: {result.Tensors} tensors, {result.Bytes / 1e6:F1} MB, {string.Join(", ", result.TensorFormats)}"));
            JsonResult.Write(json, result);
            return 0;
        });
        return command;
    }
}
