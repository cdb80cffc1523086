namespace Vernier.Kernels;

/// <summary>Checks that spans have the shapes a kernel was told, before it works on pointers.</summary>
internal static class Shapes
{
    /// <exception cref="ArgumentException">The length is not rows * columns.</exception>
    public static void Require(int length, int rows, int columns, string name)
    {
        if (rows < 0 || columns < 0 || length != (long)rows * columns)
            throw new ArgumentException($"{length} elements, expected {rows} x {columns}", name);
    }
}
