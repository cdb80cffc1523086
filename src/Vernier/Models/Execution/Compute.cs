using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The arithmetic of matrix products: fp32 is the reference, int8 rounds activations to 8 bits per row and group of 32 columns.</summary>
public enum ComputeMode
{
    /// <summary>32-bit floats.</summary>
    Fp32,

    /// <summary>Activations of 8 bits times the integer codes.</summary>
    Int8,
}

/// <summary>What a layer computes with: the workers, the arithmetic and scratch memory that is reused from call to call. A pass of a <see cref="Decoder"/>
/// has it to itself: passes of other threads wait. Everything else here belongs to the thread whose pass it is.</summary>
public sealed class Compute : IDisposable
{
    /// <param name="threads">Workers; 0 = one for each processor.</param>
    public Compute(int threads = 0, ComputeMode mode = ComputeMode.Fp32)
    {
        Pool = new WorkerPool(threads);
        Mode = mode;
        QuantizedGradient = new QuantizedGradient(Quantized);
    }

    internal WorkerPool Pool { get; }

    /// <summary>Taken for the time of a pass, after the decoder's.</summary>
    internal WorkGate Gate { get; } = new("the model's compute");

    /// <summary>The arithmetic of matrix products.</summary>
    public ComputeMode Mode { get; set; }

    /// <summary>The pass is one whose gradients are taken: dropout is active. <see cref="Decoder.Accumulate"/> sets it.</summary>
    public bool Training { get; set; }

    /// <summary>Seed of the roundings of integer training.</summary>
    public int Seed { get; set; } = 1;

    /// <summary>The activations that integer products read now.</summary>
    internal QuantizedActivations Quantized { get; } = new();

    /// <summary>The gradients that integer products back read, in the memory of <see cref="Quantized"/>.</summary>
    internal QuantizedGradient QuantizedGradient { get; }

    /// <summary>The scratch memory of passes.</summary>
    internal Workspace Workspace { get; } = new();

    /// <summary>A slot's scratch memory: contents are undefined at first and stand until the slot is asked for again, or the block ends.</summary>
    internal Span<float> Scratch(WorkspaceSlot slot, int length) => Workspace.Of(slot, length).Slice(0, length);

    /// <summary>Waits for a pass that another thread has under way.</summary>
    /// <exception cref="InvalidOperationException">Called from inside a pass.</exception>
    public void Dispose()
    {
        if (!Gate.Close())
            return;
        Workspace.Dispose();
        QuantizedGradient.Dispose();
        Quantized.Dispose();
        Pool.Dispose();
    }
}
