using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Vernier.Drills;

/// <summary>The command line as a process of its own, deaf to no signal.</summary>
internal sealed partial class VernierProcess : IDisposable
{
    private const int Endless = 600_000; // milliseconds

    private static readonly string s_program = Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "../../../../../src/Vernier.Cli/bin", Configuration, "net10.0/Vernier.Cli.dll"));

    private readonly Process _process;
    private readonly Task<string> _output, _error;
    private readonly Stopwatch _clock = Stopwatch.StartNew();

    private VernierProcess(string[] arguments)
    {
        _process = Process.Start(new ProcessStartInfo("/usr/bin/env", ["--default-signal=INT,TERM", "dotnet", s_program, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        _output = _process.StandardOutput.ReadToEndAsync();
        _error = _process.StandardError.ReadToEndAsync();
    }

    public bool HasExited => _process.HasExited;

    public string Error => _error.Result;

    public string Output => _output.Result;

    private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

    public static VernierProcess Start(params string[] arguments) => new(arguments);

    /// <summary>Runs to the end.</summary>
    public static (int Code, string Error, TimeSpan Time) Run(params string[] arguments)
    {
        using var process = Start(arguments);
        process.CloseInput();
        var code = process.WaitForExit(TimeSpan.FromMilliseconds(Endless)) ?? throw new TimeoutException($"vernier {string.Join(' ', arguments)} did not end");
        return (code, process.Error, process._clock.Elapsed);
    }

    public void CloseInput() => _process.StandardInput.Close();

    public void Send(int signal) => _ = Kill(_process.Id, signal);

    /// <returns>The exit code; null where it did not end in time.</returns>
    public int? WaitForExit(TimeSpan limit)
    {
        if (!_process.WaitForExit(limit))
            return null;
        _process.WaitForExit();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }
        _process.Dispose();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
