namespace Vernier.Kernels;

/// <summary>Memory that a thread keeps from call to call, so that a steady step allocates nothing.</summary>
internal static unsafe class Scratch
{
    /// <summary>At least <paramref name="length"/> floats, 64-byte aligned, contents undefined, in a buffer that only grows.</summary>
    /// <param name="buffer">A thread-static field of the kernel that uses it.</param>
    public static float* Get(ref NativeBuffer<float>? buffer, long length)
    {
        if (buffer is null || buffer.Length < length)
        {
            buffer?.Dispose();
            buffer = new NativeBuffer<float>(length);
        }
        return buffer.Pointer;
    }
}
