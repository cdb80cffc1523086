using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A random start for training from scratch, the same for a seed on every machine: matrices normal with deviation 0.02, smaller
/// by √(2 · layers) for the layers that write into the residual stream (GPT-2's rule), norms 1, biases 0.</summary>
internal sealed class RandomWeights(ModelConfig config, int seed) : IWeightSource
{
    private const double Deviation = 0.02;

    private static readonly string[] s_residual = ["o_proj.weight", "out_proj.weight", "down_proj.weight", "c_proj.weight", "fc_out.weight", "fc2.weight", "w2.weight", "attention.dense.weight", "dense_4h_to_h.weight"];

    public WeightMatrix Matrix(string name, int rows, int columns)
    {
        var matrix = new DenseMatrix(rows, columns);
        var residual = s_residual.Any(end => name.EndsWith(end, StringComparison.Ordinal));
        var deviation = residual ? Deviation / Math.Sqrt(2.0 * config.Layers) : Deviation;
        var state = Hash(name) ^ unchecked((ulong)seed * 0x9E3779B97F4A7C15);
        for (var row = 0; row < rows; row++)
            foreach (ref var value in matrix.Row(row))
                value = (float)(deviation * Normal(ref state));
        return matrix;
    }

    public void Vector(string name, Span<float> destination) => destination.Fill(name.EndsWith(".weight", StringComparison.Ordinal) ? 1 - config.NormOffset : 0);

    /// <summary>FNV-1a: every matrix has its own stream, whatever the order they are asked for in.</summary>
    private static ulong Hash(string name)
    {
        var hash = 14695981039346656037ul;
        foreach (var c in name)
            hash = (hash ^ c) * 1099511628211ul;
        return hash;
    }

    /// <summary>Box and Muller.</summary>
    private static double Normal(ref ulong state) =>
        Math.Sqrt(-2 * Math.Log(1 - Uniform(ref state))) * Math.Cos(2 * Math.PI * Uniform(ref state));

    /// <summary>splitmix64, in [0, 1).</summary>
    private static double Uniform(ref ulong state)
    {
        var z = state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return ((z ^ (z >> 31)) >> 11) * (1.0 / (1ul << 53));
    }
}
