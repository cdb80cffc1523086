using Vernier.Kernels;
using Vernier.Models;
using Vernier.Tuning;

namespace Vernier.Adapters;

/// <summary>Several tasks on one quantized model. A task is a set of scales over the base's codes; to switch is to look at the codes with
/// another set, so it takes microseconds, nothing is computed or changed, and going back gives the base exactly.</summary>
/// <remarks>Calls wait for the work of other threads on the model. While a switch is there, the model cannot be tuned, reset or given an adapter.</remarks>
public sealed class TaskSwitch : IDisposable
{
    private readonly Decoder _decoder;
    private readonly Compute _compute;
    private readonly string _model;
    private readonly Func<string?> _codesSha256;
    private readonly Linear[] _base;
    private readonly Dictionary<string, (Linear[] Linears, TaskScales Batch)> _tasks = new(StringComparer.Ordinal);
    private bool _disposed;

    /// <param name="model">What it computes now is the base. It must outlive the switch and keep its linears.</param>
    public TaskSwitch(LoadedModel model)
        : this(model.Decoder, model.Compute, model.Source.Path, () => model.CodesSha256())
    {
    }

    internal TaskSwitch(Decoder decoder, Compute compute, string model, Func<string?> codesSha256)
    {
        (_decoder, _compute, _model, _codesSha256) = (decoder, compute, model, codesSha256);
        _base = [.. decoder.Linears];
        decoder.CountSwitch(1);
    }

    /// <summary>Names of the tasks.</summary>
    public IReadOnlyCollection<string> Tasks => _tasks.Keys;

    /// <summary>The task in use; null = the base.</summary>
    public string? Active { get; private set; }

    /// <summary>Takes in the scales of an adapter, as <see cref="Adapter.MergeForInference(LoadedModel, CancellationToken)"/> makes them: where the model computes with integers now,
    /// scales group by group are rounded to fp16, as in an exported GGUF file. The task in use stays in use.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    /// <exception cref="NotSupportedException">The adapter is more than scales: see <see cref="TuningMethod.IsScales"/>.</exception>
    /// <exception cref="InvalidDataException">It was tuned on other codes; both hashes are named.</exception>
    public void Add(string name, Adapter adapter)
    {
        using var work = new WorkLease(_decoder, _compute, changes: true);
        if (_tasks.ContainsKey(name))
            throw new ArgumentException($"there is a task '{name}' already", nameof(name));
        var method = TuningMethods.Of(adapter.Config.Options);
        if (!method.IsScales)
            throw new NotSupportedException($"task '{name}': an adapter of {method.Label(adapter.Config.Options)} is more than scales and cannot be switched; those of {OptionRules.AnyOf([.. TuningMethods.All.Where(m => m.IsScales).Select(m => m.Name)])} can");
        var linears = _base.Select(l => l.Name).ToHashSet(StringComparer.Ordinal);
        if (adapter.Tensors.Keys.FirstOrDefault(t => !linears.Contains(t[..Math.Max(0, t.LastIndexOf('.'))])) is { } outside)
            throw new NotSupportedException($"task '{name}': tensor {outside} belongs to no linear of the blocks: the embedding table and the output matrix are the same for all tasks. Merge the adapter instead (apply or export)");
        if (_codesSha256() is var codes && codes != adapter.Config.TunedCodesSha256)
            throw Adapter.OfAnotherBase(_model, adapter.Config.TunedCodesSha256, codes);
        var active = Active;
        Activate(null);
        WeightMatrix[] held = [.. _base.Select(l => l.Weight).Where(w => !w.IsKept)];
        Keep(held, true); // the adapter's linears take the place of the base's, which come back
        try
        {
            adapter.ApplyTo(_decoder, _compute, _model, _codesSha256);
            adapter.MergeForInference(_decoder, _compute);
            Add(name, [.. _decoder.Linears.Select((linear, i) => _base[i].Weight is PackedMatrix && linear.Weight is PackedMatrix ? linear : _base[i])],
                linear => method.FactorsOf(adapter.Tensors, linear.Name, linear.OutFeatures));
        }
        finally
        {
            _decoder.UseLinears(_base);
            Keep(held, false);
        }
        Activate(active);

        static void Keep(WeightMatrix[] weights, bool isKept)
        {
            foreach (var weight in weights)
                weight.IsKept = isKept;
        }
    }

    /// <summary>A task for <see cref="Decoder.ForwardBatch"/>, where every sequence has its own. The base must be in use then: <see cref="Activate"/> null.</summary>
    /// <exception cref="KeyNotFoundException">There is no such task.</exception>
    internal TaskScales Scales(string name) => Find(name).Batch;

    /// <summary>Makes a task between two others: scales multiply, so they go geometrically, a^(1-share) b^share; zero points add, so they go linearly.
    /// <c>adapter interpolate</c> does the same with the tensors, except that low-rank factors go linearly there.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    /// <exception cref="KeyNotFoundException">There is no such task.</exception>
    public void Interpolate(string name, string first, string second, float share)
    {
        using var work = new WorkLease(_decoder, _compute);
        if (_tasks.ContainsKey(name))
            throw new ArgumentException($"there is a task '{name}' already", nameof(name));
        var (a, b) = (Find(first).Linears, Find(second).Linears);
        Add(name, [.. a.Select((linear, i) => Between(linear, b[i], share))], _ => null);
    }

    /// <summary>Makes the model compute a task.</summary>
    /// <param name="name">null = the base.</param>
    /// <exception cref="KeyNotFoundException">There is no such task.</exception>
    public void Activate(string? name)
    {
        using var work = _decoder.Gate.Enter();
        _decoder.UseLinears(name is null ? _base : Find(name).Linears);
        Active = name;
    }

    /// <summary>Goes back to the base and frees the tasks.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        try
        {
            Activate(null);
        }
        catch (ObjectDisposedException) // the model went first, with the task in use
        {
            foreach (var linear in _base)
                linear.Weight.Dispose();
        }
        _decoder.CountSwitch(-1);
        foreach (var linear in _tasks.Values.SelectMany(t => t.Linears).Except(_base))
            linear.Weight.Dispose();
        _tasks.Clear();
    }

    private (Linear[] Linears, TaskScales Batch) Find(string name) =>
        _tasks.TryGetValue(name, out var task) ? task : throw new KeyNotFoundException($"no task '{name}'; known: {string.Join(", ", _tasks.Keys)}");

    private void Add(string name, Linear[] linears, Func<Linear, ScaleFactors?> factors)
    {
        var batch = new TaskScales();
        for (var i = 0; i < linears.Length; i++)
        {
            if (_base[i].Weight is not PackedMatrix weight)
                continue;
            var known = factors(_base[i]); // a task per channel, or a separable one, is little more than two rows of numbers
            batch.Add(weight, (PackedMatrix)linears[i].Weight, known?.Row, known?.Column is { } column ? OfGroups(column, weight) : null, known is not null);
        }
        _tasks[name] = (linears, batch);
    }

    /// <summary>Factors of blocks as factors of the groups in them: a block of a K-quant has several.</summary>
    private static float[] OfGroups(float[] column, PackedMatrix weight) => column.Length == weight.Groups ? column
        : [.. Enumerable.Range(0, weight.Groups).Select(g => column[g * weight.GroupSize / weight.FactorGroupSize])];

    private Linear Between(Linear first, Linear second, float share)
    {
        if (first.Weight is not PackedMatrix a || second.Weight is not PackedMatrix b)
            return first;
        var scales = Between(a.Scales, b.Scales, share);
        if (_compute.Mode == ComputeMode.Int8 && a.ReadsHalves && scales.Rounded() is { } rounded)
        {
            scales.Dispose();
            return new FrozenLinear(first.Name, a.WithScales(rounded), first.Bias);
        }
        return new FrozenLinear(first.Name, a.WithScales(scales), first.Bias);
    }

    private static TunedScales Between(ScaleView a, ScaleView b, float share)
    {
        var result = new TunedScales(a); // whether it may be rounded is known to it
        var (first, firstOffset, second, secondOffset) = (new float[a.Groups], new float[a.Groups], new float[a.Groups], new float[a.Groups]);
        for (var row = 0; row < a.Rows; row++)
        {
            a.ReadRow(row, first, firstOffset);
            b.ReadRow(row, second, secondOffset);
            var scale = result.Scale.Slice((long)row * a.Groups, a.Groups);
            var offset = result.Offset.Slice((long)row * a.Groups, a.Groups);
            for (var g = 0; g < scale.Length; g++)
            {
                var multiplies = first[g] != 0 && second[g] / first[g] > 0; // a block of equal weights has no scale
                scale[g] = multiplies ? first[g] * MathF.Pow(second[g] / first[g], share) : float.Lerp(first[g], second[g], share);
                offset[g] = multiplies ? scale[g] * float.Lerp(firstOffset[g] / first[g], secondOffset[g] / second[g], share) : float.Lerp(firstOffset[g], secondOffset[g], share);
            }
        }
        return result;
    }
}
