using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>GPTQ (OPTQ, arXiv 2210.17323): columns one by one to their nearest codes, the error of each corrected in the columns that are still to come,
/// weighted by the second moments of the layer's inputs. Rows are independent given U; the sweep over a row is <see cref="GptqSweep"/>.</summary>
public static class Gptq
{
    /// <summary>Quantizes a weight.</summary>
    /// <param name="weight">[rows, columns].</param>
    /// <param name="moments">Of the layer's inputs, with all earlier layers already quantized.</param>
    /// <exception cref="ArgumentException">Moments of another width.</exception>
    /// <exception cref="InvalidDataException">The damped Hessian is not positive definite, or a weight is not finite.</exception>
    public static GptqResult Quantize(WorkerPool pool, WeightMatrix weight, InputMoments moments, GptqOptions options)
    {
        if (moments.InFeatures != weight.Columns)
            throw new ArgumentException($"moments of {moments.InFeatures} inputs for a weight of {weight.Columns}", nameof(moments));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Block);
        var columns = weight.Columns;
        using var hessian = moments.Hessian();
        var dead = FixDead(hessian, columns);
        var order = options.ActivationOrder ? ByActivation(hessian, columns) : Enumerable.Range(0, columns).ToArray();
        using var factor = PermutedAndDamped(hessian, order, options.Damping);
        try
        {
            TriangularInverse.Factor(pool, factor, columns);
        }
        catch (ArithmeticException e)
        {
            throw new InvalidDataException($"GPTQ: the second moments of {moments.Tokens} calibration inputs are singular ({e.Message}); give more data or more damping", e);
        }
        var job = new GptqSweep(weight, factor, dead, order, options);
        pool.Run(ref job);
        return job.Result();
    }

    /// <summary>trace((W - Ŵ) H (W - Ŵ)ᵀ): the squared error of the layer's outputs that GPTQ minimises, up to the factor 2 / N.</summary>
    /// <param name="difference">W - Ŵ, [rows, columns].</param>
    public static double OutputError(ReadOnlySpan<float> difference, int rows, InputMoments moments)
    {
        var n = moments.InFeatures;
        using var h = moments.Hessian();
        var error = 0.0;
        for (var i = 0; i < rows; i++)
        {
            var d = difference.Slice(i * n, n);
            for (var j = 0; j < n; j++)
            {
                var line = h.Slice((long)j * n, n);
                var sum = 0.0;
                for (var k = 0; k < n; k++)
                    sum += line[k] * d[k];
                error += d[j] * sum;
            }
        }
        return error;
    }

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
