using System.Runtime.InteropServices;

namespace Vernier.Cli.Terminal;

/// <summary>The one place that hears SIGINT (Ctrl-C) and SIGTERM. The first of them cancels <see cref="Stop"/>, and the verb ends by itself with its state saved.
/// A verb that does not get there in time, and every second signal, ends the process at once: whatever a verb writes is written beside and renamed, so what is on the
/// disk then is the last whole state. A signal that the process was started to ignore (nohup, a shell's background job) stays ignored.</summary>
internal sealed class Interruption : IDisposable
{
    /// <summary>The exit codes that shells give to a program that SIGINT and SIGTERM ended.</summary>
    public const int Interrupted = 130, Terminated = 143;

    // A verb without a state to save has nothing to do but to leave.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan PatienceWithState = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(0.2);

    private readonly CancellationTokenSource _source = new();
    private readonly PosixSignalRegistration[] _registrations;
    private readonly Lock _gate = new();
    private readonly Stack<Action> _handlers = [];
    private Timer? _deadline;
    private bool _savesState;
    private int _exitCode;

    private Interruption() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle),
    ];

    /// <summary>Of the command line that runs now.</summary>
    public static Interruption? Current { get; private set; }

    /// <summary><see cref="Stop"/> of the command line that runs now.</summary>
    public static CancellationToken Token => Current?.Stop ?? default;

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Stop => _source.Token;

    /// <summary>130 or 143 once a signal has come, else 0.</summary>
    public int ExitCode => Volatile.Read(ref _exitCode);

    /// <summary>Begins to listen.</summary>
    public static Interruption Listen() => Current = new Interruption();

    /// <summary>From here on the verb has a state that it saves when it is stopped: it is given the time for that.</summary>
    public static void WaitForState()
    {
        if (Current is { } current)
            current._savesState = true;
    }

    /// <summary>Until the result is disposed, SIGINT calls <paramref name="handler"/> and nothing else: Ctrl-C while a conversation's answer is written ends the answer alone.</summary>
    public static IDisposable OnInterrupt(Action handler) => Current is { } current ? new Handler(current, handler) : new Handler(null, handler);

    public void Dispose()
    {
        foreach (var registration in _registrations)
            registration.Dispose();
        lock (_gate)
            _deadline?.Dispose();
        if (Current == this)
            Current = null;
    }

    private void Handle(PosixSignalContext signal)
    {
        signal.Cancel = true; // the runtime does nothing more about it
        var second = false;
        lock (_gate)
        {
            if (signal.Signal == PosixSignal.SIGINT && ExitCode == 0 && _handlers.TryPeek(out var handler))
            {
                handler();
                return;
            }
            second = ExitCode != 0;
            if (!second)
            {
                Volatile.Write(ref _exitCode, signal.Signal == PosixSignal.SIGINT ? Interrupted : Terminated);
                _deadline = new Timer(_ => End(), null, _savesState ? PatienceWithState : Patience, Timeout.InfiniteTimeSpan);
            }
        }
        if (second)
            End();
        else
            ThreadPool.UnsafeQueueUserWorkItem(_ => _source.Cancel(), null); // callbacks of the token may block, and a second signal must be heard meanwhile
    }

    private void End()
    {
        Task.Run(() => ErrorLine.TryWrite(ErrorLine.Interrupted)).Wait(LastWords); // whoever reads stderr may have stopped reading
        Environment.Exit(ExitCode);
    }

    private sealed class Handler : IDisposable
    {
        private readonly Interruption? _owner;

        public Handler(Interruption? owner, Action handler)
        {
            _owner = owner;
            if (owner is null)
                return;
            lock (owner._gate)
                owner._handlers.Push(handler);
        }

        public void Dispose()
        {
            if (_owner is null)
                return;
            lock (_owner._gate)
                _owner._handlers.TryPop(out _);
        }
    }
}
