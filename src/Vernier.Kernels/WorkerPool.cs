namespace Vernier.Kernels;

/// <summary>Persistent threads for kernels. A run hands every worker the same job; the calling thread is worker 0.
/// The partition is static, so results do not depend on timing.</summary>
public sealed unsafe class WorkerPool : IDisposable
{
    private readonly Thread[] _threads;
    private readonly ManualResetEventSlim[] _go;
    private readonly CountdownEvent _done = new(1);
    private delegate*<void*, int, int, void> _body;
    private void* _job;
    private Exception? _failure;
    private volatile bool _stop;

    /// <param name="threads">Number of workers, the calling thread included; 0 = one for each processor.</param>
    public WorkerPool(int threads = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(threads);
        Threads = threads == 0 ? Environment.ProcessorCount : threads;
        _threads = new Thread[Threads - 1];
        _go = new ManualResetEventSlim[Threads - 1];
        for (var i = 0; i < _threads.Length; i++)
        {
            var worker = i + 1;
            _go[i] = new ManualResetEventSlim(false, 2000);
            _threads[i] = new Thread(() => Loop(worker)) { IsBackground = true, Name = $"vernier worker {worker}" };
            _threads[i].Start();
        }
    }

    /// <summary>Number of workers.</summary>
    public int Threads { get; }

    /// <summary>Runs the job on all workers and returns when all are done. Not reentrant; allocates nothing.</summary>
    public void Run<TJob>(ref TJob job)
        where TJob : struct, IParallelJob
    {
        if (Threads == 1)
        {
            job.Execute(0, 1);
            return;
        }
        fixed (void* pinned = &System.Runtime.CompilerServices.Unsafe.As<TJob, byte>(ref job))
        {
            _job = pinned;
            _body = &Invoke<TJob>;
            _failure = null;
            _done.Reset(_threads.Length);
            foreach (var go in _go)
                go.Set();
            try
            {
                job.Execute(0, Threads);
            }
            finally
            {
                _done.Wait();
            }
            if (_failure is not null)
                throw new AggregateException(_failure);
        }
    }

    public void Dispose()
    {
        _stop = true;
        foreach (var go in _go)
            go.Set();
        foreach (var thread in _threads)
            thread.Join();
    }

    private static void Invoke<TJob>(void* job, int worker, int workers)
        where TJob : struct, IParallelJob =>
        System.Runtime.CompilerServices.Unsafe.AsRef<TJob>(job).Execute(worker, workers);

    private void Loop(int worker)
    {
        while (true)
        {
            _go[worker - 1].Wait();
            _go[worker - 1].Reset();
            if (_stop)
                return;
            try
            {
                _body(_job, worker, Threads);
            }
            catch (Exception e)
            {
                _failure = e;
            }
            _done.Signal();
        }
    }
}
