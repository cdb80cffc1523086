using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Vernier.Kernels;

/// <summary>Persistent threads for kernels. A run hands every worker the same job; the calling thread is worker 0.
/// Jobs divide their work by the workers' numbers, or by <see cref="WorkShares"/> where it does not matter who does what, so that results do not depend on timing. Idle workers spin for a moment, so that kernel after kernel
/// starts within about a microsecond, then give way to other threads, then park.</summary>
internal sealed unsafe class WorkerPool : IDisposable
{
    private static readonly long SpinTicks = Stopwatch.Frequency / 50_000; // 20 µs: the gap between two kernels
    private static readonly long YieldTicks = Stopwatch.Frequency / 5_000; // 200 µs: scalar work between two layers

    private readonly Berth[] _berths; // [0] is the caller's
    private readonly NativeBuffer<float>?[] _scratch; // one a worker, then the shared one
    private readonly bool _spins;
    private Counters _counters;
    private delegate*<void*, int, int, void> _body;
    private void* _job;
    private int _running;
    private volatile bool _stop;

    /// <param name="threads">Number of workers, the calling thread included; 0 = one for each processor.</param>
    public WorkerPool(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        _spins = Threads <= Environment.ProcessorCount; // otherwise a spinning worker delays the one it waits for
        _scratch = new NativeBuffer<float>?[Threads + 1];
        Shares = new WorkShares(Threads);
        _berths = new Berth[Threads];
        for (var i = 0; i < Threads; i++)
            _berths[i] = new Berth();
        for (var i = 1; i < Threads; i++)
        {
            var worker = i;
            new Thread(() => Loop(worker)) { IsBackground = true, Name = $"vernier worker {worker}" }.Start();
        }
    }

    /// <summary>Number of workers.</summary>
    public int Threads { get; }

    /// <summary>Ends the work under way: <see cref="Run"/> starts no further job, and long jobs end between two tiles. What they were to compute is undefined then.
    /// Who sets it resets it; work that must not be left half done runs with none.</summary>
    public CancellationToken Cancellation { get; set; }

    /// <summary>For jobs that deal out their work; a caller deals before it runs the job.</summary>
    internal WorkShares Shares { get; }

    /// <summary>Whether all workers but the caller have gone to sleep.</summary>
    internal bool Parked => Array.TrueForAll(_berths, berth => berth == _berths[0] || berth.Parked);

    /// <summary>Runs the job on all workers and returns when all are done. Allocates nothing.</summary>
    /// <exception cref="InvalidOperationException">The pool is already running a job: it serves one caller at a time and is not reentrant.</exception>
    /// <exception cref="OperationCanceledException"><see cref="Cancellation"/> says so; with a job that was already running, the workers have ended it.</exception>
    /// <remarks>When workers fail, all still finish, and the exception of the lowest worker is rethrown.</remarks>
    public void Run<TJob>(ref TJob job)
        where TJob : struct, IParallelJob
    {
        ObjectDisposedException.ThrowIf(_stop, this);
        Cancellation.ThrowIfCancellationRequested();
        if (Interlocked.Exchange(ref _running, 1) != 0)
            throw new InvalidOperationException("The worker pool is already running a job.");
        try
        {
            if (Threads == 1)
                job.Execute(0, 1);
            else
                RunAll(ref job);
        }
        finally
        {
            Volatile.Write(ref _running, 0);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_stop)
            return;
        _stop = true;
        Interlocked.Increment(ref _counters.Epoch);
        for (var i = 1; i < Threads; i++)
            _berths[i].Wake();
        foreach (var buffer in _scratch)
            buffer?.Dispose();
        Shares.Dispose();
    }

    /// <summary>Scratch of one worker, at least <paramref name="length"/> elements, not cleared, kept for the pool's life.
    /// Asking for more frees what an earlier call returned.</summary>
    internal float* WorkerScratch(int worker, long length) => Scratch(worker, length);

    /// <summary>Scratch that a caller shares with all workers of its next runs; rules as for <see cref="WorkerScratch"/>.</summary>
    internal float* SharedScratch(long length) => Scratch(Threads, length);

    private float* Scratch(int index, long length)
    {
        var buffer = _scratch[index];
        if (buffer is null || buffer.Length < length)
        {
            buffer?.Dispose();
            _scratch[index] = buffer = new NativeBuffer<float>(length);
        }
        return buffer.Pointer;
    }

    private void RunAll<TJob>(ref TJob job)
        where TJob : struct, IParallelJob
    {
        fixed (void* pinned = &Unsafe.As<TJob, byte>(ref job))
        {
            _job = pinned;
            _body = &Invoke<TJob>;
            _counters.Pending = Threads - 1;
            Interlocked.Increment(ref _counters.Epoch); // publishes the job
            for (var i = 1; i < Threads; i++)
                _berths[i].Wake();
            try
            {
                job.Execute(0, Threads);
            }
            catch (Exception e)
            {
                _berths[0].Failure = e;
            }
            Await(_berths[0], ref _counters.Pending, 0);
        }
        Exception? first = null;
        foreach (var berth in _berths)
        {
            first ??= berth.Failure;
            berth.Failure = null;
        }
        if (first is not null)
            ExceptionDispatchInfo.Throw(first);
    }

    private static void Invoke<TJob>(void* job, int worker, int workers)
        where TJob : struct, IParallelJob =>
        Unsafe.AsRef<TJob>(job).Execute(worker, workers);

    private void Loop(int worker)
    {
        var berth = _berths[worker];
        for (var epoch = 1; ; epoch++)
        {
            Await(berth, ref _counters.Epoch, epoch);
            if (_stop)
                return;
            try
            {
                _body(_job, worker, Threads);
            }
            catch (Exception e)
            {
                berth.Failure = e;
            }
            if (Interlocked.Decrement(ref _counters.Pending) == 0)
                _berths[0].Wake();
        }
    }

    private void Await(Berth berth, ref int counter, int value)
    {
        var start = Stopwatch.GetTimestamp();
        while (Volatile.Read(ref counter) != value)
        {
            var waited = Stopwatch.GetTimestamp() - start;
            if (!_spins || waited > YieldTicks)
                berth.Park(ref counter, value);
            else if (waited > SpinTicks)
                Thread.Yield();
            else
                Thread.SpinWait(1);
        }
    }

    // Each on its own cache line: workers poll the epoch while others count down.
    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct Counters
    {
        [FieldOffset(64)]
        public int Epoch;

        [FieldOffset(128)]
        public int Pending;
    }

    /// <summary>Where one thread waits. The counter is changed by an interlocked operation before <see cref="Wake"/>, and
    /// <see cref="Park"/> raises its flag before it looks at the counter, so one of the two always sees the other.</summary>
    private sealed class Berth
    {
        private readonly object _gate = new();
        private int _parked;

        public Exception? Failure { get; set; }

        public bool Parked => Volatile.Read(ref _parked) != 0;

        public void Park(ref int counter, int value)
        {
            lock (_gate)
            {
                Interlocked.Exchange(ref _parked, 1);
                while (Volatile.Read(ref counter) != value)
                    Monitor.Wait(_gate);
                Volatile.Write(ref _parked, 0);
            }
        }

        public void Wake()
        {
            if (!Parked)
                return;
            lock (_gate)
                Monitor.PulseAll(_gate);
        }
    }
}
