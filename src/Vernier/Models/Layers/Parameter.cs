using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A trainable tensor: fp32 master, gradient, and what the optimizer must know about it.</summary>
public sealed class Parameter : IDisposable
{
    /// <summary>The <see cref="FloorFraction"/> of scales.</summary>
    internal const float ScaleFloor = 0.01f;

    /// <param name="name">Unique in the model, e.g. <c>model.layers.0.self_attn.q_proj.scale</c>.</param>
    public Parameter(string name, params int[] shape)
    {
        Name = name;
        Shape = shape;
        var length = shape.Aggregate(1L, (a, b) => checked(a * b));
        Value = new NativeBuffer<float>(length);
        Gradient = new NativeBuffer<float>(length);
    }

    /// <summary>The adapter's tensor of it, or the model's.</summary>
    public string Name { get; }

    /// <summary>Sizes, the slowest dimension first.</summary>
    public IReadOnlyList<int> Shape { get; }

    /// <summary>fp32 master, row-major.</summary>
    internal NativeBuffer<float> Value { get; }

    /// <summary>dL/dValue, summed over the micro-batches of a step; the trainer clears it.</summary>
    internal NativeBuffer<float> Gradient { get; }

    /// <summary>Weight decay applies (LoRA factors, full weights; never scales, offsets, norms or biases).</summary>
    public bool Decays { get; init; }

    /// <summary>Belongs to the group whose learning rate can be set apart (scales and offsets of L4Q and QAT-LoRA).</summary>
    public bool IsQuantizerState { get; init; }

    /// <summary>The value may not fall to or below this fraction of its start, element by element (scales keep their sign); 0 = free.</summary>
    public float FloorFraction { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Value.Dispose();
        Gradient.Dispose();
    }
}
