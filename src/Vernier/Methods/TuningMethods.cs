using Vernier.Methods.Full;
using Vernier.Methods.L4q;
using Vernier.Methods.Lora;
using Vernier.Methods.Peqa;
using Vernier.Methods.QaLora;
using Vernier.Methods.Qat;
using Vernier.Methods.QatLora;
using Vernier.Methods.Qlora;

namespace Vernier.Methods;

/// <summary>One entry of the list of methods.</summary>
/// <param name="Name">As on the command line.</param>
/// <param name="Summary">One line for help.</param>
/// <param name="LearningRate">Used when the options give none: it may depend on what they train.</param>
/// <param name="Create">A new instance.</param>
public sealed record TuningMethodEntry(string Name, string Summary, Func<TuneOptions, float> LearningRate, Func<TuningMethod> Create);

/// <summary>Every tuning method, by name.</summary>
public static class TuningMethods
{
    /// <summary>All methods, in the order of help.</summary>
    public static IReadOnlyList<TuningMethodEntry> All { get; } =
    [
        new("peqa", "train only the scales of a quantized model; its codes stay", PeqaMethod.DefaultLearningRate, () => new PeqaMethod()),
        new("l4q", "train the merged, quantized weight itself: low-rank factors, steps and offsets", _ => 3e-4f, () => new L4QMethod()),
        new("lora", "low-rank factors beside the weights as they are; HF PEFT's format", _ => 2e-3f, () => new LoraMethod()),
        new("qlora", "low-rank factors beside a quantized, frozen model", _ => 2e-3f, () => new QloraMethod()),
        new("qat", "quantization-aware training of weights and steps", _ => 2e-5f, () => new QatMethod()),
        new("qat-lora", "steps learned through the rounding, low-rank factors kept apart", _ => 3e-4f, () => new QatLoraMethod()),
        new("qa-lora", "low-rank changes of the zero points of a quantized model; merges exactly", _ => 2e-3f, () => new QaLoraMethod()),
        new("full", "full fine-tuning of the linears, or of every parameter", _ => 2e-5f, () => new FullMethod()),
    ];

    /// <summary>A new instance of a method.</summary>
    /// <exception cref="ArgumentException">No method has this name.</exception>
    public static TuningMethod Create(string name) => Find(name).Create();

    /// <summary>The entry of a method.</summary>
    /// <exception cref="ArgumentException">No method has this name.</exception>
    public static TuningMethodEntry Find(string name) => All.FirstOrDefault(m => m.Name == name)
        ?? throw new ArgumentException($"unknown method '{name}'; known: {string.Join(", ", All.Select(m => m.Name))}", nameof(name));
}
