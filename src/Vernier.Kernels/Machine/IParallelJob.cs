namespace Vernier.Kernels;

/// <summary>Work that is split statically over the workers of a <see cref="WorkerPool"/>. A struct that holds pointers and sizes.</summary>
internal interface IParallelJob
{
    /// <summary>Does the share of one worker. Called once for each <paramref name="worker"/> in [0, <paramref name="workers"/>).</summary>
    void Execute(int worker, int workers);
}
