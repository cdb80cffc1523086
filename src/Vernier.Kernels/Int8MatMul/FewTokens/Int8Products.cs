using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>A weight, where its products go, and which bodies make them.</summary>
internal unsafe struct Int8Product
{
    public PackedMatrix Weight;

    /// <summary>[tokens, rows of the weight].</summary>
    public float* Output;

    public Int8GemvPlan Plan;
}

/// <summary>One to three products of the same activations.</summary>
[InlineArray(3)]
internal struct Int8Products
{
    private Int8Product _first;
}
