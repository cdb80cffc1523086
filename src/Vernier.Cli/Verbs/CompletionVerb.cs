using System.CommandLine;
using Vernier.Cli.Arguments;
using Vernier.Cli.Help;

namespace Vernier.Cli.Verbs;

/// <summary><c>completion bash|zsh|powershell</c>: the script that makes a shell complete verbs, options, values and files. The script asks this program itself,
/// by <c>completion --at LINE</c>, so that it needs nothing else and never grows old.</summary>
internal static class CompletionVerb
{
    private const string Bash = """
        # vernier completion bash: source this, or write it to ~/.local/share/bash-completion/completions/vernier
        _vernier() {
            local line="${COMP_LINE:0:COMP_POINT}" word="${COMP_WORDS[COMP_CWORD]}"
            COMPREPLY=()
            case "$line" in *[\;\&\|\<\>\`\$]*) return ;; esac
            local IFS=$'\n'
            COMPREPLY=($("${COMP_WORDS[0]}" completion --at "${line#* }" 2>/dev/null))
            if [ ${#COMPREPLY[@]} -eq 0 ]; then
                compopt -o filenames 2>/dev/null
                COMPREPLY=($(compgen -f -- "$word"))
            fi
        }
        complete -F _vernier vernier
        """;

    private const string Zsh = """
        #compdef vernier
        # vernier completion zsh: write this to a file _vernier in a folder of $fpath, or source it after compinit
        _vernier() {
            local line="${BUFFER[1,CURSOR]}"
            local -a found
            found=("${(@f)$("${words[1]}" completion --at "${line#* }" 2>/dev/null)}")
            found=(${found:#})
            if (( ${#found} )); then compadd -a found; else _files; fi
        }
        compdef _vernier vernier
        """;

    private const string PowerShell = """
        # vernier completion powershell: put this into $PROFILE
        Register-ArgumentCompleter -Native -CommandName vernier -ScriptBlock {
            param($word, $ast, $cursor)
            $line = $ast.ToString().PadRight($cursor).Substring(0, $cursor)
            $rest = $line -replace '^\S+\s?', ''
            & vernier completion --at "$rest" 2>$null | ForEach-Object {
                [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
            }
        }
        """;

    public static Command Create()
    {
        var (command, common) = CommonOptions.NewCommand("completion", "Print the script by which a shell completes verbs, options, values and files");
        var shell = new Argument<string?>("SHELL") { Description = "bash, zsh or powershell", Arity = ArgumentArity.ZeroOrOne };
        shell.CompletionSources.Add("bash", "zsh", "powershell");
        var at = new Option<string?>("--at") { Description = "Print what can stand at the end of LINE instead, a word a line: what the scripts call", HelpName = "LINE" }.Marked(OutputKind.Text);
        command.Add(shell);
        command.Add(at);
        command.SetAction(parsed =>
        {
            if (parsed.GetValue(at) is { } line)
            {
                var words = Completions.At(CommandTree.Create(line.Split(' ')[0]), line);
                if (parsed.GetValue(common.Json) != "-")
                    foreach (var word in words)
                        Console.Out.WriteLine(word);
                JsonResult.Write(parsed.GetValue(common.Json), new { shell = (string?)null, script = (string?)null, words });
                return 0;
            }
            var name = parsed.GetValue(shell) ?? throw new UsageException("completion needs SHELL: bash, zsh or powershell");
            var script = name switch
            {
                "bash" => Bash,
                "zsh" => Zsh,
                "powershell" or "pwsh" => PowerShell,
                _ => throw new UsageException($"no completion for '{name}', expected bash, zsh or powershell{Options.Suggestion.Hint(name, ["bash", "zsh", "powershell"])}"),
            };
            if (parsed.GetValue(common.Json) != "-")
                Terminal.Screen.RawOutput.WriteLine(script);
            JsonResult.Write(parsed.GetValue(common.Json), new { shell = name, script, words = (string[]?)null });
            return 0;
        });
        return command;
    }
}
