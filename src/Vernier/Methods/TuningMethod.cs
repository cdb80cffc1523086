using Vernier.Models;

namespace Vernier.Methods;

/// <summary>A tensor of an adapter file: name, shape and fp32 values, row-major.</summary>
public sealed record AdapterTensor(string Name, IReadOnlyList<int> Shape, float[] Values);

/// <summary>A method is a selection of parameters, a replaced linear, and a merge. The trainer knows nothing else about it.</summary>
public abstract class TuningMethod
{
    /// <summary>The method's name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>The codes that <see cref="Apply"/> leaves are those of the tuned model; otherwise the method trains the codes too, or has none.</summary>
    public virtual bool KeepsCodes => true;

    /// <summary><see cref="Apply"/> rounds weights, so that the model before the first step is not the one that was brought.</summary>
    /// <param name="options">All values resolved.</param>
    public virtual bool Rounds(TuneOptions options) => options.Bits is not null;

    /// <summary>Puts the method's linears into the decoder (after quantizing, where the options ask for it).</summary>
    /// <param name="options">All values resolved.</param>
    public abstract void Apply(Decoder decoder, TuneOptions options, Compute compute);

    /// <summary>What the adapter file holds now.</summary>
    public abstract IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder);

    /// <summary>Puts the tensors of an adapter file into a decoder to which the method has been applied.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of another shape.</exception>
    public abstract void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors);

    /// <summary>Replaces the method's linears by plain frozen ones that compute the tuned model: packed with tuned scales where the method allows it exactly.</summary>
    public abstract void Merge(Decoder decoder, Compute compute);

    /// <summary>Figures of the last step that this method adds to its line of the log; called once after every step.</summary>
    public virtual IReadOnlyList<(string Name, double Value)> TakeFigures() => [];
}
