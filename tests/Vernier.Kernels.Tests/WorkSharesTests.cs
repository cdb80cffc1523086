namespace Vernier.Kernels.Tests;

public sealed class WorkSharesTests
{
    [Theory]
    [InlineData(1, 10, 3)]
    [InlineData(2, 0, 1)]
    [InlineData(2, 1000, 1)]
    [InlineData(3, 7, 2)]
    [InlineData(4, 997, 5)]
    [InlineData(5, 3, 1000)]
    public void EveryPieceIsTakenOnce(int workers, int pieces, int least)
    {
        using var pool = new WorkerPool(workers);
        var taken = new int[pieces];
        for (var round = 0; round < 20; round++)
        {
            pool.Shares.Deal(pieces, least);
            var job = new Takers { Shares = pool.Shares, Taken = taken };
            pool.Run(ref job);
        }
        Assert.All(taken, count => Assert.Equal(20, count));
    }

    [Fact]
    public void AWorkerTakesItsOwnShareInOrderThenTheOthersFromBehind()
    {
        using var shares = new WorkShares(2);
        shares.Deal(40, 2);
        var taken = new List<(int, int)>();
        while (shares.Take(0, out var start, out var end))
            taken.Add((start, end));
        Assert.Equal([(0, 5), (5, 8), (8, 11), (11, 13), (13, 15), (15, 17), (17, 19), (19, 20), (30, 40), (25, 30), (23, 25), (21, 23), (20, 21)], taken);
        Assert.False(shares.Take(1, out _, out _));
    }

    private struct Takers : IParallelJob
    {
        public WorkShares Shares;
        public int[] Taken;

        public readonly void Execute(int worker, int workers)
        {
            while (Shares.Take(worker, out var start, out var end))
            {
                for (var i = start; i < end; i++)
                    Interlocked.Increment(ref Taken[i]);
            }
        }
    }
}
