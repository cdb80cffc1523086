using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>A way to tune: a choice of parameters, linears that train them, and a merge. It answers all that the library asks of a method, so that a method is
/// one folder of the library, or one class of a program that uses it, and a line that registers it (<see cref="TuningMethods.Register"/>).</summary>
/// <remarks>An instance is applied to one model; what its linears share it may keep.</remarks>
public abstract class TuningMethod
{
    /// <summary>The method's name on the command line and in files.</summary>
    public abstract string Name { get; }

    /// <summary>One line for help.</summary>
    public abstract string Summary { get; }

    /// <summary>Where set: this is the method of its name with this <see cref="TuneOptions.Scheme"/>; another one of the same name is it with all others.</summary>
    public virtual string? Scheme => null;

    /// <summary>Schemes that this method takes beside those of every method.</summary>
    public virtual IReadOnlyList<string> OwnSchemes => [];

    /// <summary>What <see cref="TuneOptions.Init"/> may be, the default first; none where the method has one start only.</summary>
    public virtual IReadOnlyList<string> Starts => [];

    /// <summary>What <see cref="TuneOptions.Targets"/> is where the options do not say it.</summary>
    public virtual string DefaultTargets => "all";

    /// <summary>Which linears the options target, by module path.</summary>
    protected Func<string, bool> Targets(TuneOptions options) => LinearTargets.Parse(options.Targets ?? DefaultTargets);

    /// <summary>The learning rate where the options give none: it may depend on what they train.</summary>
    public abstract float LearningRate(TuneOptions options);

    /// <summary>The method in tables of runs, with what sets runs of it apart.</summary>
    public virtual string Label(TuneOptions options) => Name;

    /// <summary>Refuses options that do not go together, beside the rules of all methods.</summary>
    /// <param name="options">Each in its range.</param>
    /// <param name="dash">What stands in front of an option's name in messages.</param>
    /// <exception cref="ArgumentException">Says what was expected.</exception>
    public virtual void Check(TuneOptions options, string dash)
    {
    }

    /// <summary>It works on codes: those of the model, or those that the options ask for.</summary>
    public virtual bool NeedsCodes => true;

    /// <summary>The codes that <see cref="Apply"/> leaves are those of the tuned model; otherwise the method trains the codes too, or has none.</summary>
    public virtual bool KeepsCodes => true;

    /// <summary><see cref="Apply"/> rounds weights, so that the model before the first step is not the one that was brought.</summary>
    /// <param name="options">All values resolved.</param>
    public virtual bool Rounds(TuneOptions options) => options.Bits is not null;

    /// <summary>Everything outside the blocks' linears is trained too: embeddings, head, norms and biases.</summary>
    public virtual bool TrainsAll(TuneOptions options) => false;

    /// <summary>It can tune the output matrix and the embedding table where they are in codes: <see cref="TuneOptions.TuneHead"/>.</summary>
    public virtual bool TakesTables => false;

    /// <summary>Whether the options have a table tuned.</summary>
    /// <param name="table">The output matrix or the embedding table as the model stores it.</param>
    public virtual bool TunesTable(LinearShape table, TuneOptions options) => false;

    /// <summary>It has low-rank factors: <see cref="TuneOptions.Rank"/> is a size of its tensors.</summary>
    public virtual bool HasRank(TuneOptions options) => false;

    /// <summary>What a run takes for one linear, before it starts.</summary>
    /// <param name="shape">The linear as the model stores it; <see cref="LinearShape.With"/> is it as the options quantize it.</param>
    public abstract LinearPlan Plan(LinearShape shape, TuneOptions options);

    /// <summary>Why what the method trains of a linear cannot be written back into the blocks of the GGUF file that it came from; null where it can, or where the method
    /// promises nothing of the kind. A run that cannot be written back is refused before it starts, unless <see cref="TuneOptions.AllowUnexportable"/> says otherwise.</summary>
    /// <param name="shape">The linear as the model stores it.</param>
    public virtual string? Unexportable(LinearShape shape, TuneOptions options) => null;

    /// <summary>Puts the method's linears into the decoder (after quantizing, where the options ask for it).</summary>
    /// <param name="options">All values resolved.</param>
    public abstract void Apply(Decoder decoder, TuneOptions options, Compute compute);

    /// <summary>Whether a step changes a parameter; where not, its value and the optimizer's state stay as they are. Depends on nothing else, so that a run can be resumed.</summary>
    /// <param name="step">From 0.</param>
    public virtual bool Trains(Parameter parameter, int step) => true;

    /// <summary>Figures of the last step that this method adds to its line of the log; called once after every step.</summary>
    public virtual IReadOnlyList<(string Name, double Value)> TakeFigures() => [];

    /// <summary>What the adapter file holds now: the trained parameters.</summary>
    public IEnumerable<AdapterTensor> AdapterTensors(Decoder decoder) => ParameterTensors.Collect(decoder, TensorName);

    /// <summary>Puts the tensors of an adapter file into a decoder to which the method has been applied.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, unknown or of another shape.</exception>
    public void LoadAdapter(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors) => ParameterTensors.Restore(decoder, tensors, TensorName);

    /// <summary>The name of a parameter in the adapter file.</summary>
    protected virtual string TensorName(string parameter) => parameter;

    /// <summary>The tensors of an adapter file as this version writes them, whatever version wrote them.</summary>
    public virtual IReadOnlyDictionary<string, AdapterTensor> Current(IReadOnlyDictionary<string, AdapterTensor> tensors) => tensors;

    /// <summary>How a tensor of an adapter acts; null where nothing sensible lies between two of them.</summary>
    public virtual TensorKind? KindOf(string tensor) => null;

    /// <summary>The <c>peft_type</c> of an adapter in HF PEFT's format; null where it has a format of its own.</summary>
    public virtual string? PeftType => null;

    /// <summary>An adapter is other scales for codes that stay, and nothing else: tasks are switched by switching scales.</summary>
    public virtual bool IsScales => false;

    /// <summary>What an adapter does to the scales of a linear, where that is a factor for each row and each group of columns; null where it is more.</summary>
    /// <param name="module">Module path of the linear.</param>
    /// <param name="rows">Outputs of the linear.</param>
    public virtual ScaleFactors? FactorsOf(IReadOnlyDictionary<string, AdapterTensor> tensors, string module, int rows) => null;

    /// <summary>Replaces the method's linears by plain ones that compute the tuned model, as far as <see cref="Merges"/> says: packed with tuned scales where codes are kept.</summary>
    public void Merge(Decoder decoder)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        decoder.TrainAll(false);
        decoder.ReplaceLinears(linear => linear.Merged());
        decoder.ReplaceTables((table, _) => table is not FrozenLinear, table => table.Merged());
    }

    /// <summary>What <see cref="Merge"/> leaves.</summary>
    public virtual MergeResult Merges => MergeResult.Exact;

    /// <summary>The format that suits the result best.</summary>
    public virtual ExportTarget Export(TuneOptions options, ExportSource source)
    {
        ArgumentNullException.ThrowIfNull(options);
        return options.Bits is null && source.HasKQuants ? new("native", "its K-quant blocks take no new scale for each of their groups") : ExportTarget.OfCodes(options, source);
    }
}
