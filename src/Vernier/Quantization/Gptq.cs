using Vernier.Kernels;

namespace Vernier.Quantization;

/// <summary>GPTQ (OPTQ, arXiv 2210.17323): columns one by one to their nearest codes, the error of each corrected in the columns that are still to come,
/// weighted by the second moments of the layer's inputs. Rows are independent given U; the sweep over a row is <see cref="GptqSweep"/>.</summary>
internal static class Gptq
{
    /// <summary>Quantizes a weight.</summary>
    /// <param name="weight">[rows, columns].</param>
    /// <param name="moments">Of the layer's inputs, with all earlier layers already quantized.</param>
    /// <exception cref="ArgumentException">Moments of another width.</exception>
    /// <exception cref="InvalidDataException">The damped Hessian is not positive definite, or a weight is not finite.</exception>
    public static GptqResult Quantize(WorkerPool pool, WeightMatrix weight, InputMoments moments, GptqOptions options)
    {
        using var factor = GptqFactor.Of(pool, moments, options);
        return Quantize(pool, weight, factor, options);
    }

    /// <summary>Quantizes one of several weights that read the same inputs.</summary>
    /// <exception cref="ArgumentException">The factor is of another width.</exception>
    /// <exception cref="InvalidDataException">A weight is not finite.</exception>
    public static GptqResult Quantize(WorkerPool pool, WeightMatrix weight, GptqFactor factor, GptqOptions options)
    {
        if (factor.Order.Length != weight.Columns)
            throw new ArgumentException($"moments of {factor.Order.Length} inputs for a weight of {weight.Columns}", nameof(factor));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(options.Block);
        var job = new GptqSweep(weight, factor, options, pool.Cancellation);
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
}
