using Vernier.Models;

namespace Vernier.Data;

/// <summary>The loss of a model on data.</summary>
internal static class DataLoss
{
    /// <summary>Mean negative log-likelihood over all scored tokens, in nats. Ends where the work on the model is cancelled.</summary>
    /// <param name="batch">Rows of a pass.</param>
    /// <param name="progress">Told (passes done, in all).</param>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static double Of(Decoder decoder, Compute compute, TrainingData data, int batch, Action<int, int>? progress)
    {
        var order = new BatchOrder(data, batch, 1, null);
        var sum = 0.0;
        for (var step = 0; step < order.StepsPerEpoch; step++)
        {
            compute.Pool.Cancellation.ThrowIfCancellationRequested();
            order.Begin(step);
            sum += decoder.SumNegativeLogLikelihood(compute, order.MicroBatch(0));
            progress?.Invoke(step + 1, order.StepsPerEpoch);
        }
        return sum / data.ScoredTokens;
    }
}
