namespace Vernier.Kernels.Tests;

public unsafe class WorkerPoolTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(8)]
    public void EveryWorkerRunsOnceARun(int threads)
    {
        using var pool = new WorkerPool(threads);
        var counts = stackalloc int[threads];
        var job = new CountJob { Counts = counts };
        for (var run = 0; run < 2000; run++)
        {
            pool.Run(ref job);
            if (run % 500 == 0)
                Thread.Sleep(5); // long enough to park
        }
        for (var i = 0; i < threads; i++)
            Assert.Equal(2000, counts[i]);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void FailuresReachTheCallerAndThePoolLivesOn(int failing)
    {
        using var pool = new WorkerPool(3);
        var job = new FailingJob { First = failing };
        for (var i = 0; i < 3; i++)
        {
            var failure = Assert.Throws<InvalidOperationException>(() => Run(job));
            Assert.Equal($"worker {failing}", failure.Message);
        }
        var counts = stackalloc int[3];
        var good = new CountJob { Counts = counts };
        pool.Run(ref good);
        Assert.Equal(1, counts[2]);

        void Run(FailingJob j) => pool.Run(ref j);
    }

    [Fact]
    public void NestedRunsAreRefused()
    {
        using var pool = new WorkerPool(2);
        var job = new NestedJob { Pool = pool };
        Assert.Throws<InvalidOperationException>(() => Run(job));

        void Run(NestedJob j) => pool.Run(ref j);
    }

    [Fact]
    public void RunsAllocateNothing()
    {
        using var pool = new WorkerPool(2);
        var counts = stackalloc int[2];
        var job = new CountJob { Counts = counts };
        pool.Run(ref job);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
            pool.Run(ref job);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void IdleWorkersRest()
    {
        using var pool = new WorkerPool(2);
        var counts = stackalloc int[2];
        var job = new CountJob { Counts = counts };
        pool.Run(ref job);
        Assert.True(SpinWait.SpinUntil(() => pool.Parked, 10_000));
    }

    [Fact]
    public void DisposedPoolsRefuse()
    {
        var pool = new WorkerPool(2);
        pool.Dispose();
        pool.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Run());

        void Run()
        {
            var job = default(CountJob);
            pool.Run(ref job);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData((4 << 20) - 1)]
    [InlineData(4 << 20)]
    [InlineData((6 << 20) + 5)]
    public void BuffersAreZeroedAndWritable(int length)
    {
        for (var round = 0; round < 3; round++)
        {
            using var buffer = new NativeBuffer<byte>(length);
            Assert.False(buffer.Span.ContainsAnyExcept((byte)0));
            buffer.Span.Fill(7);
            Assert.Throws<ArgumentOutOfRangeException>(() => buffer.Slice(length, 1));
            buffer.Dispose();
            Assert.Throws<ObjectDisposedException>(() => buffer.Span.Length);
        }
    }

    private struct CountJob : IParallelJob
    {
        public int* Counts;

        public readonly void Execute(int worker, int workers) => Counts[worker]++;
    }

    private struct FailingJob : IParallelJob
    {
        public int First;

        public readonly void Execute(int worker, int workers)
        {
            if (worker >= First)
                throw new InvalidOperationException($"worker {worker}");
        }
    }

    private struct NestedJob : IParallelJob
    {
        public WorkerPool Pool;

        public readonly void Execute(int worker, int workers)
        {
            var job = default(FailingJob);
            if (worker == 1)
                Pool.Run(ref job);
        }
    }
}
