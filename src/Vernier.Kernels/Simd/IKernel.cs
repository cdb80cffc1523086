namespace Vernier.Kernels;

/// <summary>A kernel whose body is written once for every <see cref="InstructionTier"/>. A struct that holds pointers and sizes.</summary>
internal interface IKernel
{
    /// <summary>Does the share of one worker with vectors of type <typeparamref name="V"/>.</summary>
    void Execute<V>(int worker, int workers)
        where V : unmanaged, ILanes<V>;
}
