using System.Diagnostics;
using System.Text.Json;

namespace Vernier.Cli.Tests;

/// <summary>Runs the command line as its own process, as a user does.</summary>
internal static class CommandLine
{
    private const int TimeoutSeconds = 300;

    public static readonly string Program = Path.Combine(AppContext.BaseDirectory, "Vernier.Cli.dll");

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

    /// <summary>In a working folder, so that paths may be names alone.</summary>
    public static Run VernierIn(string folder, params string[] arguments) => Finish(Begin(new ProcessStartInfo("dotnet", [Program, .. arguments]) { WorkingDirectory = folder }), "");

    /// <summary>No file may become larger: the nearest to a full disk that needs no rights.</summary>
    public static Run VernierWithFileLimit(int kilobytes, params string[] arguments)
    {
        // Without the trap the system ends the process instead of failing the write; the runtime's own large mapping is a file too.
        var start = new ProcessStartInfo("/bin/bash", ["-c", $"trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\"", "bash", "dotnet", Program, .. arguments]);
        start.Environment["DOTNET_EnableWriteXorExecute"] = "0";
        return Finish(Begin(start), "");
    }

    public static Run Start(string[] arguments, string input) => Finish(Begin(arguments), input);

    private static Run Finish(Process started, string input)
    {
        using var process = started;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromSeconds(TimeoutSeconds)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{string.Join(' ', process.StartInfo.ArgumentList)} did not end within {TimeoutSeconds} s");
        }
        process.WaitForExit();
        return new Run(process.ExitCode, output.Result, error.Result);
    }

    public static Process Begin(params string[] arguments) => Begin(new ProcessStartInfo("dotnet", [Program, .. arguments]));

    private static Process Begin(ProcessStartInfo start)
    {
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        return Process.Start(start)!;
    }
}
