using Vernier.Files.HuggingFace;
using Vernier.Files.Native;
using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Weights of a native folder: packed matrices as they were saved, everything else as in every Hugging Face folder.</summary>
/// <param name="matrices">By module, from the folder's config.</param>
public sealed class NativeWeights(HfFolder folder, IReadOnlyDictionary<string, NativeMatrix> matrices) : IWeightSource
{
    private const string WeightSuffix = ".weight";
    private readonly HuggingFaceWeights _plain = new(folder);

    public WeightMatrix Matrix(string name, int rows, int columns)
    {
        if (!name.EndsWith(WeightSuffix, StringComparison.Ordinal) || !matrices.TryGetValue(name[..^WeightSuffix.Length], out var layout))
            return _plain.Matrix(name, rows, columns);
        if (layout.Rows != rows || layout.Columns != columns)
            throw new InvalidDataException($"{folder.ConfigPath}: '{name}': found shape [{layout.Rows}, {layout.Columns}], expected [{rows}, {columns}]");
        return NativeLayer.Read(folder, name[..^WeightSuffix.Length], layout);
    }

    public void Vector(string name, Span<float> destination) => _plain.Vector(name, destination);

    /// <summary>Every tensor of the folder, a packed matrix with its scales as one.</summary>
    internal static IEnumerable<SourceTensor> Tensors(HfFolder folder, IReadOnlyDictionary<string, NativeMatrix> matrices)
    {
        var parts = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (module, layout) in matrices)
        {
            var plan = NativeLayer.Plan(module, layout);
            parts.UnionWith(plan.Select(p => p.Name));
            var format = layout.Codebook is null ? $"U{layout.Bits}/{layout.GroupSize}" : $"CODEBOOK{layout.Bits}/{layout.GroupSize}";
            yield return new SourceTensor(module + WeightSuffix, module + ".codes", [layout.Rows, layout.Columns], format, plan.Sum(p => p.ByteLength));
        }
        foreach (var t in folder.Tensors.Where(t => !parts.Contains(t.Name)))
            yield return new SourceTensor(t.Name, t.Name, t.Shape, t.Type.ToString(), t.ByteLength);
    }

    /// <summary>The codes of all packed matrices, read from the files.</summary>
    internal static IEnumerable<CodeMatrix> Codes(HfFolder folder, IReadOnlyDictionary<string, NativeMatrix> matrices) => matrices.Select(m =>
    {
        var read = NativeLayer.Codes(folder, m.Key, m.Value);
        return new CodeMatrix(m.Key + WeightSuffix, m.Value.Rows, m.Value.Columns, (row, codes) => read(row, codes));
    });
}
