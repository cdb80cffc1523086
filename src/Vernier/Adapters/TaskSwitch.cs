using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Adapters;

/// <summary>Several PEQA tasks on one quantized model. A task is a set of scales; to switch is to hand each packed weight another set, so it takes
/// microseconds, nothing is computed, and going back gives the base exactly.</summary>
public sealed class TaskSwitch : IDisposable
{
    private readonly Decoder _decoder;
    private readonly Compute _compute;
    private readonly string _model;
    private readonly Func<string?> _codesSha256;
    private readonly PackedMatrix[] _weights;
    private readonly GroupScales[] _base;
    private readonly Dictionary<string, GroupScales[]> _tasks = new(StringComparer.Ordinal);

    /// <param name="model">Its scales now are the base. It must outlive the switch and keep its linears.</param>
    public TaskSwitch(LanguageModel model)
        : this(model.Decoder, model.Compute, model.Source.Path, () => TunedCodes.Sha256(model))
    {
    }

    internal TaskSwitch(Decoder decoder, Compute compute, string model, Func<string?> codesSha256)
    {
        (_decoder, _compute, _model, _codesSha256) = (decoder, compute, model, codesSha256);
        _weights = [.. decoder.Linears.Select(l => l.Weight).OfType<PackedMatrix>()];
        _base = [.. _weights.Select(w => w.Scales)];
    }

    /// <summary>Names of the tasks.</summary>
    public IReadOnlyCollection<string> Tasks => _tasks.Keys;

    /// <summary>The task in use; null = the base.</summary>
    public string? Active { get; private set; }

    /// <summary>Takes in the scales of an adapter. The task in use stays in use.</summary>
    /// <exception cref="ArgumentException">The name is taken.</exception>
    /// <exception cref="NotSupportedException">The adapter is not one of PEQA: it is more than scales.</exception>
    /// <exception cref="InvalidDataException">It was tuned on other codes; both hashes are named.</exception>
    public void Add(string name, Adapter adapter)
    {
        if (_tasks.ContainsKey(name))
            throw new ArgumentException($"there is a task '{name}' already", nameof(name));
        if (adapter.Config.Options.Method != "peqa")
            throw new NotSupportedException($"task '{name}': an adapter of {adapter.Config.Options.Method} is more than scales and cannot be switched; those of peqa can");
        if (_codesSha256() is var codes && codes != adapter.Config.TunedCodesSha256)
            throw Adapter.OfAnotherBase(_model, adapter.Config.TunedCodesSha256, codes);
        var active = Active;
        Activate(null);
        try
        {
            adapter.ApplyTo(_decoder, _compute, _model, _codesSha256);
            _tasks[name] = [.. _weights.Select(w => w.Scales)];
        }
        finally
        {
            adapter.Merge(_decoder, _compute);
            Assign(_base);
        }
        Activate(active);
    }

    /// <summary>Makes the model compute a task.</summary>
    /// <param name="name">null = the base.</param>
    /// <exception cref="KeyNotFoundException">There is no such task.</exception>
    public void Activate(string? name)
    {
        Assign(name is null ? _base : _tasks.TryGetValue(name, out var scales) ? scales : throw new KeyNotFoundException($"no task '{name}'; known: {string.Join(", ", _tasks.Keys)}"));
        Active = name;
    }

    /// <summary>Goes back to the base and frees the tasks.</summary>
    public void Dispose()
    {
        Activate(null);
        foreach (var scales in _tasks.Values.SelectMany(s => s))
            scales.Dispose();
        _tasks.Clear();
    }

    private void Assign(GroupScales[] scales)
    {
        for (var i = 0; i < _weights.Length; i++)
            _weights[i].Scales = scales[i];
    }
}
