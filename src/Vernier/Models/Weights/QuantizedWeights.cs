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
    private readonly HashSet<string> _modules;
    private readonly HashSet<string> _vectors = new(StringComparer.Ordinal);

    internal QuantizedWeights(HfFolder folder, IQuantizedFolder packed)
    {
        ArgumentNullException.ThrowIfNull(packed);
        (_folder, _packed, _plain) = (folder, packed, new HuggingFaceWeights(folder));
        _modules = new HashSet<string>(packed.Modules, StringComparer.Ordinal);
    }

    public WeightMatrix Matrix(string name, int rows, int columns)
    {
        if (Module(name) is not { } module)
            return _plain.Matrix(name, rows, columns);
        var layout = _packed.Describe(module);
        if (layout.Rows != rows || layout.Columns != columns)
        {
            var tensor = _folder.Get(_packed.Parts(module)[0]);
            throw new InvalidDataException($"{tensor.FilePath}: tensor '{tensor.Name}': found shape [{string.Join(", ", tensor.Shape)}], which is [{layout.Rows}, {layout.Columns}] weights of {layout.Bits} bits, expected [{rows}, {columns}]");
        }
        var matrix = _packed.Read(module);
        foreach (var part in _packed.Parts(module))
            _folder.Find(part)?.Release();
        return matrix;
    }

    public void Vector(string name, Span<float> destination)
    {
        _vectors.UnionWith(HuggingFaceWeights.Spellings(name));
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
    internal static IEnumerable<CodeMatrix> Codes(IQuantizedFolder packed) => packed.Modules.Select(module =>
    {
        var layout = packed.Describe(module);
        var read = new Lazy<Action<int, Span<byte>>>(() => packed.Codes(module)); // a whole layer may be read: one at a time
        return new CodeMatrix(module + WeightSuffix, layout.Rows, layout.Columns, (row, codes) => read.Value(row, codes));
    });

    private string? Module(string name) =>
        name.EndsWith(WeightSuffix, StringComparison.Ordinal) ? HuggingFaceWeights.Spellings(name[..^WeightSuffix.Length]).FirstOrDefault(_modules.Contains) : null;
}
