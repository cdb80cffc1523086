using Vernier.Files.HuggingFace;
using Vernier.Files.Packings;
using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Weights of a folder of packed matrices: those with the file's own codes and scales, everything else as in every Hugging Face folder.</summary>
internal sealed class QuantizedWeights : IWeightSource
{
    private const string WeightSuffix = ".weight";
    private const string BiasSuffix = ".bias";

    private readonly HfFolder _folder;
    private readonly IQuantizedFolder _packed;
    private readonly HuggingFaceWeights _plain;
    private readonly StoredTensors _stored;
    private readonly HashSet<string> _modules;
    private readonly HashSet<string> _vectors = new(StringComparer.Ordinal);

    private (string Module, PackedMatrix Matrix)? _last; // holds several linears, which are asked for one after the other

    internal QuantizedWeights(HfFolder folder, IQuantizedFolder packed, ModelConfig config)
    {
        ArgumentNullException.ThrowIfNull(packed);
        (_folder, _packed, _plain, _stored) = (folder, packed, new HuggingFaceWeights(folder, config), StoredTensors.OfFolder(config));
        _modules = new HashSet<string>(packed.Modules, StringComparer.Ordinal);
    }

    public WeightMatrix Matrix(string name, int rows, int columns)
    {
        var part = _stored.Find(name)!;
        if ((Module(name) ?? Module(part.Stored)) is not { } module)
            return _plain.Matrix(name, rows, columns);
        var isFused = part.IsFused && Module(name) is null;
        var storedRows = isFused ? part.StoredRows : rows;
        var layout = _packed.Describe(module);
        if (layout.Rows != storedRows || layout.Columns != columns)
        {
            var tensor = _folder.Get(_packed.Parts(module)[0]);
            throw new InvalidDataException($"{tensor.FilePath}: tensor '{tensor.Name}': found shape [{string.Join(", ", tensor.Shape)}], which is [{layout.Rows}, {layout.Columns}] weights of {layout.Bits} bits, expected [{storedRows}, {columns}]");
        }
        if (!isFused)
            return Read(module);
        if (_last?.Module != module)
        {
            _last?.Matrix.Dispose();
            _last = (module, Read(module));
        }
        var matrix = RowSelection.Take(_last.Value.Matrix, rows, part.Order);
        if (part.Order.FileRow(rows - 1) == part.StoredRows - 1)
        {
            _last.Value.Matrix.Dispose(); // that was its last linear
            _last = null;
        }
        return matrix;
    }

    private PackedMatrix Read(string module)
    {
        var matrix = _packed.Read(module);
        foreach (var part in _packed.Parts(module))
            _folder.Find(part)?.Release();
        return matrix;
    }

    public void Vector(string name, Span<float> destination)
    {
        _vectors.UnionWith(HuggingFaceWeights.Spellings(name).Concat(HuggingFaceWeights.Spellings(_stored.Find(name)!.Stored)));
        _plain.Vector(name, destination);
    }

    /// <summary>Refuses biases that the model did not ask for: AutoGPTQ writes one for every layer, all zeros where the architecture has none.</summary>
    /// <exception cref="InvalidDataException">One of them is not zero: the weights are not of this architecture.</exception>
    public void CheckBiases()
    {
        foreach (var module in _packed.Modules)
            if (!_vectors.Contains(module + BiasSuffix) && _folder.Find(module + BiasSuffix) is { } bias && bias.ToSingles().AsSpan().ContainsAnyExcept(0f))
                throw new InvalidDataException($"{bias.FilePath}: tensor '{bias.Name}': found a bias that is not zero, expected none by {_folder.ConfigPath}");
    }

    /// <summary>Every tensor of a folder, a packed matrix with its scales as one.</summary>
    /// <param name="packed">Null where nothing is packed.</param>
    internal static IEnumerable<SourceTensor> Tensors(HfFolder folder, IQuantizedFolder? packed)
    {
        var parts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var module in packed?.Modules ?? [])
        {
            var layout = packed!.Describe(module);
            var tensors = packed.Parts(module).Select(folder.Find).OfType<HfTensor>().ToList();
            parts.UnionWith(tensors.Select(t => t.Name));
            var format = layout.Codebook is null ? $"U{layout.Bits}/{layout.GroupSize}" : $"CODEBOOK{layout.Bits}/{layout.GroupSize}";
            yield return new SourceTensor(module + WeightSuffix, packed.Parts(module)[0], [layout.Rows, layout.Columns], format, tensors.Sum(t => t.ByteLength));
        }
        foreach (var t in folder.Tensors.Where(t => !parts.Contains(t.Name)))
            yield return new SourceTensor(t.Name, t.Name, t.Shape, t.Type.ToString(), t.ByteLength);
    }

    /// <summary>The codes of all packed matrices, read from the files.</summary>
    /// <param name="config">Null = nothing is known of the model: each is taken as one.</param>
    internal static IEnumerable<CodeMatrix> Codes(IQuantizedFolder packed, ModelConfig? config)
    {
        var stored = config is null ? null : StoredTensors.OfFolder(config);
        return packed.Modules.SelectMany(module =>
        {
            var layout = packed.Describe(module);
            var read = new Lazy<Action<int, Span<byte>>>(() => packed.Codes(module)); // a whole layer may be read: one at a time
            return stored?.Parts(module + WeightSuffix) is [{ IsFused: true }, ..] parts && parts[0].StoredRows == layout.Rows
                ? parts.Select(part => new CodeMatrix(part.Name, part.Rows, layout.Columns, (row, codes) => read.Value(part.Order.FileRow(row), codes)))
                : [new CodeMatrix(module + WeightSuffix, layout.Rows, layout.Columns, (row, codes) => read.Value(row, codes))];
        });
    }

    private string? Module(string name) =>
        name.EndsWith(WeightSuffix, StringComparison.Ordinal) ? HuggingFaceWeights.Spellings(name[..^WeightSuffix.Length]).FirstOrDefault(_modules.Contains) : null;
}
