using System.Diagnostics;
using System.Text.Json;

namespace Vernier.Cli.Tests;

/// <summary>Runs the command line as its own process, as a user does.</summary>
internal static class CommandLine
{
    private const int TimeoutSeconds = 300;

    public sealed record Run(int ExitCode, string Output, string Error)
    {
        /// <summary>Standard output as JSON; fails with what the process said where it is none.</summary>
        public JsonElement Json()
        {
            Assert.True(ExitCode == 0, $"exit code {ExitCode}: {Error}");
            return JsonDocument.Parse(Output).RootElement;
        }

        /// <summary>The one line that a failure is allowed.</summary>
        public string Refusal(int exitCode = 1)
        {
            Assert.True(ExitCode == exitCode, $"exit code {ExitCode}, expected {exitCode}: {Output}{Error}");
            var lines = Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.True(lines.Length == 1 && lines[0].StartsWith("vernier: ", StringComparison.Ordinal), $"expected one line, found: {Error}");
            return lines[0];
        }
    }

    public static Run Vernier(params string[] arguments) => Start(arguments, "");

    public static Run Start(string[] arguments, string input)
    {
        using var process = Begin(arguments);
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromSeconds(TimeoutSeconds)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"vernier {string.Join(' ', arguments)} did not end within {TimeoutSeconds} s");
        }
        process.WaitForExit();
        return new Run(process.ExitCode, output.Result, error.Result);
    }

    public static Process Begin(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Vernier.Cli.dll"));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        return Process.Start(start)!;
    }
}
