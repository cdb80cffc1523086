using Vernier.Data;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.TestSupport;

namespace Vernier.Tests.Tuning;

/// <summary>A LLaMA of two tiny blocks with random weights.</summary>
internal static class TinyRun
{
    public static ModelConfig Config { get; } = TinyConfig.Llama(hidden: 16, heads: 2, keys: 1, feedForward: 24, vocabulary: 48, context: 32) with { TiedHead = true };

    public static Decoder Create(int seed = 1) => new(Config, new RandomWeights(seed));

    /// <summary>Rows of a repeating pattern, so that there is something to learn.</summary>
    public static TrainingData Data(int rows = 7, int length = 12) =>
        TrainingData.FromSequences(Enumerable.Range(0, rows).Select(r => Enumerable.Range(0, length + r % 3).Select(t => (r * 5 + t * (r % 2 + 1)) % 40).ToArray()), "rows", Config);

    private sealed class RandomWeights(int seed) : IWeightSource
    {
        private readonly Random _random = new(seed);

        public WeightMatrix Matrix(string name, int rows, int columns)
        {
            var matrix = new DenseMatrix(rows, columns);
            foreach (ref var value in matrix.Values.Span)
                value = (float)(_random.NextDouble() - 0.5);
            return matrix;
        }

        public void Vector(string name, Span<float> destination)
        {
            foreach (ref var value in destination)
                value = 1 + (float)(_random.NextDouble() - 0.5) * 0.1f;
        }
    }
}
