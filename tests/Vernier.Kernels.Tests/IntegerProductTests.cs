namespace Vernier.Kernels.Tests;

/// <summary>What tests of integer products share: workers, and rounded activations and gradients.</summary>
public abstract class IntegerProductTests : IDisposable
{
    private protected readonly WorkerPool _one = new(1);
    private protected readonly WorkerPool _three = new(3);
    private protected readonly QuantizedActivations _x = new();
    private protected readonly QuantizedActivations _absolute = new();
    private protected readonly QuantizedGradient _gradient;

    protected IntegerProductTests() => _gradient = new QuantizedGradient(_x);

    public void Dispose()
    {
        _gradient.Dispose();
        _one.Dispose();
        _three.Dispose();
        _x.Dispose();
        _absolute.Dispose();
        GC.SuppressFinalize(this);
    }
}
