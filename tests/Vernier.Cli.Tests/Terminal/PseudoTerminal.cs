using System.Diagnostics;
using System.Text;

namespace Vernier.Cli.Tests.Terminal;

/// <summary>The command line at a terminal of its own, which util-linux's <c>script</c> makes: what is typed and what is shown.</summary>
internal sealed class PseudoTerminal : IDisposable
{
    private static readonly TimeSpan Timeout = TimeSpan.FromMinutes(5);

    private readonly Process _process;
    private readonly Task _reading;
    private readonly StringBuilder _output = new();
    private readonly int _columns;

    /// <summary>Why there can be no pseudo terminal here; null where there can.</summary>
    public static string? Missing { get; } = !OperatingSystem.IsLinux() ? "pseudo terminals are made by util-linux's script, on Linux"
        : Find("script") is null ? "script is missing (util-linux; apt-get install bsdutils)"
        : Find("stty") is null ? "stty is missing (apt-get install coreutils)"
        : null;

    /// <param name="settings">Variables of the environment.</param>
    /// <param name="redirections">For a shell, after the arguments, e.g. <c>2>&amp;-</c>.</param>
    public PseudoTerminal(int columns, IEnumerable<(string Name, string Value)> settings, string redirections, params string[] arguments)
    {
        _columns = columns;
        var command = string.Join(' ', arguments.Prepend(CommandLine.Program).Prepend("dotnet").Select(Quoted));
        // A shell's background job ignores Ctrl-C, and so would all that it starts.
        var start = new ProcessStartInfo("script", ["-q", "-e", "-f", "-c", $"stty cols {columns} rows 50; exec env --default-signal {command} {redirections}", "/dev/null"])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            StandardOutputEncoding = new UTF8Encoding(false),
            StandardInputEncoding = new UTF8Encoding(false),
        };
        start.Environment["SHELL"] = "/bin/sh";
        start.Environment["TERM"] = "xterm";
        start.Environment.Remove("NO_COLOR");
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        _process = Process.Start(start)!;
        _reading = Task.Run(Read);
    }

    /// <summary>Everything that the terminal got so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>What is seen now.</summary>
    public ScreenImage Screen => new ScreenImage(_columns).Show(Output);

    /// <summary>Presses keys.</summary>
    public void Type(string keys)
    {
        _process.StandardInput.Write(keys);
        _process.StandardInput.Flush();
    }

    /// <summary>Waits until the screen shows what a condition asks for.</summary>
    public void WaitFor(Func<ScreenImage, bool> seen, string what)
    {
        var clock = Stopwatch.StartNew();
        while (!seen(Screen))
        {
            if (clock.Elapsed > Timeout || (_reading.IsCompleted && !seen(Screen)))
                Assert.Fail($"{what} was never seen:\n{Screen.Text}");
            Thread.Sleep(10);
        }
    }

    /// <summary>Waits for the end of the program.</summary>
    /// <returns>Its exit code.</returns>
    public int Finish()
    {
        if (!_process.WaitForExit(Timeout))
            Assert.Fail($"did not end:\n{Screen.Text}");
        _reading.Wait();
        return _process.ExitCode;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }

    private void Read()
    {
        var buffer = new char[4096];
        while (_process.StandardOutput.Read(buffer) is > 0 and var count)
            lock (_output)
                _output.Append(buffer, 0, count);
    }

    private static string Quoted(string argument) => $"'{argument.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string? Find(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
