namespace Vernier.Kernels;

/// <summary>One to three weights that read the same activations, and where their products go.</summary>
internal readonly unsafe struct Int8Products(PackedMatrix first, float* y1, PackedMatrix? second, float* y2, PackedMatrix? third, float* y3, bool accumulate)
{
    public int Count => 1 + (second is null ? 0 : 1) + (third is null ? 0 : 1);

    /// <summary>Add to the outputs instead of overwriting them.</summary>
    public bool Accumulate => accumulate;

    public PackedMatrix? Weight(int index) => index switch { 0 => first, 1 => second, _ => third };

    /// <summary>One of them.</summary>
    public Int8Products Only(int index) => new(Weight(index)!, Output(index), null, null, null, null, accumulate);

    public float* Output(int index) => index switch { 0 => y1, 1 => y2, _ => y3 };
}
