namespace Vernier.Models;

/// <summary>One thread at a time in what cannot be shared. A short piece of work (a pass, an export) makes other threads wait; while work with a name lasts
/// (a tuning run), they are refused. The thread that is inside may enter again: a progress callback may generate.</summary>
/// <param name="owner">What is protected, for messages.</param>
internal sealed class WorkGate(string owner)
{
    private const int PollMilliseconds = 20;

    private readonly object _lock = new();
    private string? _work;
    private int _depth, _shut; // the second without those that let changes in
    private bool _closed;

    /// <summary>Waits for the thread that is inside.</summary>
    /// <param name="work">Name of work that others need not wait for, e.g. "is being tuned"; null = short.</param>
    /// <param name="changes">What a thread that is already inside must not do, unless it let changes in.</param>
    /// <param name="letsChangesIn">The work consists of changes.</param>
    /// <exception cref="InvalidOperationException">Named work of another thread is under way, or a change from inside.</exception>
    /// <exception cref="ObjectDisposedException">It is closed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled while waiting.</exception>
    public Lease Enter(string? work = null, bool changes = false, CancellationToken cancel = default, bool letsChangesIn = false)
    {
        if (!Monitor.TryEnter(_lock))
            Wait(cancel);
        if (_closed || (changes && _shut > 0))
        {
            Monitor.Exit(_lock);
            throw _closed ? new ObjectDisposedException(owner) : new InvalidOperationException($"{owner} is at work on this thread: it cannot be changed from inside, as from a progress callback");
        }
        var outer = _work;
        Volatile.Write(ref _work, work ?? outer);
        _depth++;
        _shut += letsChangesIn ? 0 : 1;
        return new Lease(this, outer, letsChangesIn);
    }

    /// <summary>Waits for the thread that is inside, and lets nobody in afterwards.</summary>
    /// <returns>False where that was done before.</returns>
    /// <exception cref="InvalidOperationException">This thread is inside.</exception>
    public bool Close()
    {
        lock (_lock)
        {
            if (_depth > 0)
                throw new InvalidOperationException($"{owner} is at work on this thread: it cannot be disposed from inside, as from a progress callback");
            var open = !_closed;
            _closed = true;
            return open;
        }
    }

    private void Wait(CancellationToken cancel)
    {
        do
        {
            cancel.ThrowIfCancellationRequested();
            if (Volatile.Read(ref _work) is { } work)
                throw new InvalidOperationException($"{owner} {work} by another caller: wait for that, or load it once more");
        }
        while (!Monitor.TryEnter(_lock, PollMilliseconds));
    }

    private void Leave(string? outer, bool letsChangesIn)
    {
        _depth--;
        _shut -= letsChangesIn ? 0 : 1;
        Volatile.Write(ref _work, outer);
        Monitor.Exit(_lock);
    }

    /// <summary>Being inside; disposed on the thread that entered.</summary>
    public readonly ref struct Lease(WorkGate gate, string? outer, bool letsChangesIn)
    {
        public void Dispose() => gate?.Leave(outer, letsChangesIn);
    }
}
