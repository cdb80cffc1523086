using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Runs a kernel on the workers at the widest tier that this machine has in hardware.</summary>
internal static unsafe class Kernel
{
    /// <summary>How a kernel's inner loops are compiled: at once with all optimizations, and never into a caller. Tiered compilation would
    /// inline a hot body into its callers, where the JIT's budget for inlining runs out and every operation on lanes is left a call
    /// with its vectors in memory: 3 to 80 times the time, from some moment on, in some runs.</summary>
    public const MethodImplOptions Body = MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining;

    /// <summary>Work, in element operations, below which waking the workers costs more than it saves.</summary>
    private const long WorthSharing = 16384;

    [ThreadStatic]
    private static InstructionTier? t_forced;

    /// <summary>The tier in use on this thread.</summary>
    public static InstructionTier Tier => t_forced ?? InstructionTiers.Best;

    /// <summary>Makes kernels that this thread starts run at one tier, so that a test can compare tiers; null ends it.</summary>
    /// <exception cref="NotSupportedException">The machine has no such vectors: they would run emulated.</exception>
    public static void Force(InstructionTier? tier)
    {
        if (tier is { } wanted && !InstructionTiers.IsSupported(wanted))
            throw new NotSupportedException($"this machine has no {wanted} arithmetic");
        t_forced = tier;
    }

    /// <summary>Runs the kernel; a small one runs on the calling thread alone.</summary>
    /// <param name="work">About how many element operations there are.</param>
    public static void Run<TKernel>(WorkerPool pool, ref TKernel kernel, long work)
        where TKernel : struct, IKernel
    {
        fixed (void* pinned = &Unsafe.As<TKernel, byte>(ref kernel))
        {
            var job = new TieredJob<TKernel>(pinned, Tier);
            if (work < WorthSharing)
                job.Execute(0, 1);
            else
                pool.Run(ref job);
        }
    }

    /// <summary>Runs the kernel on the calling thread alone.</summary>
    public static void RunHere<TKernel>(ref TKernel kernel)
        where TKernel : struct, IKernel
    {
        fixed (void* pinned = &Unsafe.As<TKernel, byte>(ref kernel))
            new TieredJob<TKernel>(pinned, Tier).Execute(0, 1);
    }

    private readonly struct TieredJob<TKernel>(void* kernel, InstructionTier tier) : IParallelJob
        where TKernel : struct, IKernel
    {
        private readonly void* _kernel = kernel;
        private readonly InstructionTier _tier = tier;

        public void Execute(int worker, int workers)
        {
            ref var kernel = ref Unsafe.AsRef<TKernel>(_kernel);
            switch (_tier)
            {
                case InstructionTier.Vector512:
                    kernel.Execute<Lanes512>(worker, workers);
                    break;
                case InstructionTier.Vector256:
                    kernel.Execute<Lanes256>(worker, workers);
                    break;
                case InstructionTier.Vector128:
                    kernel.Execute<Lanes128>(worker, workers);
                    break;
                default:
                    kernel.Execute<LanesScalar>(worker, workers);
                    break;
            }
        }
    }
}
