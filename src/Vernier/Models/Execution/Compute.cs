using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The arithmetic of matrix products: fp32 is the reference, int8 rounds activations to 8 bits per row and group of 32 columns.</summary>
public enum ComputeMode { Fp32, Int8 }

/// <summary>What a layer computes with: the workers, the arithmetic and scratch memory that is reused from call to call. A pass of a <see cref="Decoder"/>
/// has it to itself: passes of other threads wait. Everything else here belongs to the thread whose pass it is.</summary>
public sealed class Compute : IDisposable
{
    private readonly Dictionary<string, NativeBuffer<float>> _scratch = [];

    /// <param name="threads">Workers; 0 = one for each processor.</param>
    public Compute(int threads = 0, ComputeMode mode = ComputeMode.Fp32)
    {
        Pool = new WorkerPool(threads);
        Mode = mode;
        QuantizedGradient = new QuantizedGradient(Quantized);
    }

    public WorkerPool Pool { get; }

    /// <summary>Taken for the time of a pass, after the decoder's.</summary>
    internal WorkGate Gate { get; } = new("the model's compute");

    public ComputeMode Mode { get; set; }

    /// <summary>The pass is one whose gradients are taken: dropout is active. <see cref="Decoder.Accumulate"/> sets it.</summary>
    public bool Training { get; set; }

    /// <summary>Seed of the roundings of integer training.</summary>
    public int Seed { get; set; } = 1;

    /// <summary>The activations that integer products read now.</summary>
    internal QuantizedActivations Quantized { get; } = new();

    /// <summary>The gradients that integer products back read, in the memory of <see cref="Quantized"/>.</summary>
    internal QuantizedGradient QuantizedGradient { get; }

    /// <summary>The name of the scratch that the widest steps of a pass take in turn, none of which lasts while another runs: the activations of a feed-forward
    /// part, the gradients inside attention, the logits of the head.</summary>
    internal const string Wide = "wide";

    /// <summary>A scratch span that belongs to <paramref name="name"/> until it is asked for again; contents undefined. Grows and is kept, so a steady step allocates nothing.</summary>
    public Span<float> Scratch(string name, int length) => ScratchBuffer(name, length).Slice(0, length);

    /// <summary>The same as memory of at least <paramref name="length"/> elements.</summary>
    internal NativeBuffer<float> ScratchBuffer(string name, long length)
    {
        if (!_scratch.TryGetValue(name, out var buffer) || buffer.Length < length)
        {
            buffer?.Dispose();
            _scratch[name] = buffer = new NativeBuffer<float>(length);
        }
        return buffer;
    }

    /// <summary>Waits for a pass that another thread has under way.</summary>
    /// <exception cref="InvalidOperationException">Called from inside a pass.</exception>
    public void Dispose()
    {
        if (!Gate.Close())
            return;
        foreach (var buffer in _scratch.Values)
            buffer.Dispose();
        QuantizedGradient.Dispose();
        Quantized.Dispose();
        Pool.Dispose();
    }
}
