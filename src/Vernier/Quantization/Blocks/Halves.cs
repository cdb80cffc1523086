namespace Vernier.Quantization.Blocks;

/// <summary>Scales as fp16, and their neighbours; never infinite.</summary>
internal static class Halves
{
    /// <summary>To nearest, at most the largest finite one.</summary>
    public static Half Nearest(float value) => (Half)Math.Clamp(value, (float)Half.MinValue, (float)Half.MaxValue);

    public static Half Up(Half value) => Half.IsInfinity(Half.BitIncrement(value)) ? value : Half.BitIncrement(value);

    public static Half Down(Half value) => Half.IsInfinity(Half.BitDecrement(value)) ? value : Half.BitDecrement(value);
}
