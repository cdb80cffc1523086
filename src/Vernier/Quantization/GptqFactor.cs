using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>What GPTQ needs to know about a layer's inputs: U with H⁻¹ = Uᵀ U of the damped second moments, in the order in which columns are taken.
/// Layers that read the same inputs share one.</summary>
internal sealed class GptqFactor : IDisposable
{
    private GptqFactor(NativeBuffer<double> upper, bool[] dead, int[] order) => (Upper, Dead, Order) = (upper, dead, order);

    /// <summary>U, [columns, columns] row-major.</summary>
    internal NativeBuffer<double> Upper { get; }

    /// <summary>[columns]: inputs that were always 0, in the original order.</summary>
    internal bool[] Dead { get; }

    /// <summary>[columns]: Order[c] is the column taken c-th.</summary>
    internal int[] Order { get; }

    /// <summary>Factors the moments.</summary>
    /// <param name="options">Damping and order count here.</param>
    /// <exception cref="InvalidDataException">The damped moments are not positive definite.</exception>
    public static GptqFactor Of(WorkerPool pool, InputMoments moments, GptqOptions options)
    {
        var columns = moments.InFeatures;
        using var hessian = moments.Hessian();
        var dead = FixDead(hessian, columns);
        var order = options.ActivationOrder ? ByActivation(hessian, columns) : Enumerable.Range(0, columns).ToArray();
        var upper = PermutedAndDamped(hessian, order, options.Damping);
        try
        {
            TriangularInverse.Factor(pool, upper, columns);
        }
        catch (ArithmeticException e)
        {
            upper.Dispose();
            throw new InvalidDataException($"GPTQ: the second moments of {moments.Tokens} calibration inputs are singular ({e.Message}); give more data or more damping", e);
        }
        return new(upper, dead, order);
    }

    public void Dispose() => Upper.Dispose();

    // An input that is always 0 says nothing about its weights: they become 0.
    private static bool[] FixDead(NativeBuffer<double> hessian, int n)
    {
        var dead = new bool[n];
        for (var j = 0; j < n; j++)
        {
            ref var diagonal = ref hessian.Slice((long)j * n + j, 1)[0];
            dead[j] = diagonal == 0;
            if (dead[j])
                diagonal = 1;
        }
        return dead;
    }

    private static int[] ByActivation(NativeBuffer<double> hessian, int n) =>
        Enumerable.Range(0, n).OrderByDescending(j => hessian.Slice((long)j * n + j, 1)[0]).ToArray(); // stable

    private static NativeBuffer<double> PermutedAndDamped(NativeBuffer<double> hessian, int[] order, double damping)
    {
        var n = order.Length;
        var permuted = new NativeBuffer<double>((long)n * n);
        var trace = 0.0;
        for (var i = 0; i < n; i++)
        {
            var from = hessian.Slice((long)order[i] * n, n);
            var to = permuted.Slice((long)i * n, n);
            for (var j = 0; j < n; j++)
                to[j] = from[order[j]];
            trace += to[i];
        }
        for (var i = 0; i < n; i++)
            permuted.Slice((long)i * n + i, 1)[0] += damping * trace / n;
        return permuted;
    }
}
