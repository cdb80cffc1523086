using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>A vector of <see cref="Count"/> floats. Every kernel body is written once over this type; a tier (512, 256, 128 bits, scalar)
/// is one implementation, and the JIT compiles the body for each as if it were written for it.</summary>
internal unsafe interface ILanes<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Floats in the vector.</summary>
    static abstract int Count { get; }

    static abstract T Create(float value);

    static abstract T Load(float* source);

    /// <summary>Loads <see cref="Count"/> half-precision floats.</summary>
    static abstract T Load(Half* source);

    void Store(float* destination);

    static abstract T operator +(T a, T b);

    static abstract T operator -(T a, T b);

    static abstract T operator *(T a, T b);

    static abstract T operator /(T a, T b);

    /// <summary>a * b + c, with one rounding where the machine has it and two where it has not: never emulated.</summary>
    static abstract T MultiplyAdd(T a, T b, T c);

    static abstract T Sqrt(T a);

    static abstract T Abs(T a);

    /// <summary>a &gt; b ? a : b, so that a NaN in <paramref name="b"/> comes through.</summary>
    static abstract T Max(T a, T b);

    /// <summary>a &lt; b ? a : b, so that a NaN in <paramref name="b"/> comes through.</summary>
    static abstract T Min(T a, T b);

    /// <summary>a &lt; b ? yes : no, lane by lane.</summary>
    static abstract T IfLess(T a, T b, T yes, T no);

    /// <summary>The nearest integer, half to even.</summary>
    static abstract T Round(T a);

    /// <summary>a * 2^n for an integral n in [-300, 300], right down to the denormal numbers and up to infinity.</summary>
    static abstract T ScaleByPowerOfTwo(T a, T n);

    /// <summary>The sum of the lanes.</summary>
    static abstract float Sum(T a);

    /// <summary>The sums of the lanes of each.</summary>
    static abstract Vector128<float> SumEach(T a, T b, T c, T d);

    /// <summary>The largest lane.</summary>
    static abstract float Maximum(T a);
}
