using System.Runtime.InteropServices;
using Vernier.Files.Disk;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;

namespace Vernier.Calibration;

/// <summary>An importance matrix: for every linear the mean square of each of its inputs over a text, in the GGUF form of llama.cpp's <c>llama-imatrix</c>:
/// tensors <c>NAME.in_sum2</c> [in, experts] and <c>NAME.counts</c> [1, experts] under the names of the model's tensors. Quantization weighs errors by it.</summary>
internal sealed class ImportanceMatrix
{
    private const string Sums = ".in_sum2";
    private const string Counts = ".counts";
    private const string TypeKey = "general.type";
    private const string DatasetsKey = "imatrix.datasets";
    private const string ChunkCountKey = "imatrix.chunk_count";
    private const string ChunkSizeKey = "imatrix.chunk_size";

    private readonly Dictionary<string, Entry> _entries;

    internal ImportanceMatrix(string path, IReadOnlyList<string> datasets, long chunks, long chunkSize, Dictionary<string, Entry> entries) =>
        (Path, Datasets, Chunks, ChunkSize, _entries) = (path, datasets, chunks, chunkSize, entries);

    /// <summary>Sums of squares [matrices, columns] and how many inputs each matrix got.</summary>
    internal sealed record Entry(float[] SumOfSquares, float[] Counts)
    {
        public int Columns => SumOfSquares.Length / Counts.Length;
    }

    /// <summary>The file; empty for one that was made here and is not written yet.</summary>
    public string Path { get; }

    /// <summary>The texts that it was taken from.</summary>
    public IReadOnlyList<string> Datasets { get; }

    /// <summary>Pieces of text.</summary>
    public long Chunks { get; }

    /// <summary>Tokens of a piece.</summary>
    public long ChunkSize { get; }

    /// <summary>The names of the tensors that it tells of.</summary>
    public IReadOnlyCollection<string> Tensors => _entries.Keys;

    /// <summary>Reads a file.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or holds no importance matrix: says where.</exception>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static ImportanceMatrix Load(string path)
    {
        using var file = GgufFile.Open(path);
        var metadata = file.Metadata;
        if (metadata.FindString(TypeKey) is var type && type != "imatrix")
            throw Damaged.File(path, $"metadata key '{TypeKey}'", type is null ? "nothing" : $"'{type}'", "'imatrix': a file that llama-imatrix or vernier imatrix wrote");
        var entries = new Dictionary<string, Entry>(StringComparer.Ordinal);
        foreach (var sums in file.Tensors.Where(t => t.Name.EndsWith(Sums, StringComparison.Ordinal)))
            entries.Add(sums.Name[..^Sums.Length], Read(file, sums, file.Get(sums.Name[..^Sums.Length] + Counts)));
        if (entries.Count == 0)
            throw Damaged.File(path, "tensors", "none whose name ends in .in_sum2", "the sums of an importance matrix");
        return new(path, metadata.FindStrings(DatasetsKey) ?? [], metadata.FindInteger(ChunkCountKey) ?? 0, metadata.FindInteger(ChunkSizeKey) ?? 0, entries);
    }

    /// <summary>Writes the file, whole or not at all.</summary>
    /// <exception cref="IOException">The disk is full or the folder cannot be written.</exception>
    public void Save(string path)
    {
        var metadata = GgufMetadata.Of([
            GgufValue.Of(TypeKey, "imatrix"),
            GgufValue.Of(DatasetsKey, Datasets),
            GgufValue.Of(ChunkCountKey, checked((uint)Chunks)),
            GgufValue.Of(ChunkSizeKey, checked((uint)ChunkSize)),
        ]);
        var ordered = _entries.OrderBy(e => e.Key, StringComparer.Ordinal).ToList();
        using var writer = GgufWriter.Create(path, metadata, [.. ordered.SelectMany(e => Plans(e.Key, e.Value))]);
        foreach (var (_, entry) in ordered)
        {
            writer.Write(MemoryMarshal.AsBytes(entry.SumOfSquares.AsSpan()));
            writer.Write(MemoryMarshal.AsBytes(entry.Counts.AsSpan()));
        }
        writer.Commit();
    }

    /// <summary>The mean squares of a tensor's inputs, [matrices, columns]; null where it has none. A matrix that never got an input (an expert that was not
    /// chosen) has all the same.</summary>
    /// <param name="columns">Of the tensor.</param>
    /// <param name="matrices">Experts of the tensor, else 1.</param>
    /// <exception cref="InvalidDataException">The entry is of another shape.</exception>
    internal float[]? Find(string tensor, int columns, int matrices)
    {
        if (!_entries.TryGetValue(tensor, out var entry))
            return null;
        if (entry.Columns != columns || entry.Counts.Length != matrices)
            throw Damaged.File(Path, $"tensor '{tensor}{Sums}'", $"{entry.Columns} values for each of {entry.Counts.Length} matrices", $"{columns} for each of {matrices}: it was made for another model");
        var means = new float[entry.SumOfSquares.Length];
        for (var i = 0; i < means.Length; i++)
            means[i] = entry.Counts[i / columns] is > 0 and var count ? entry.SumOfSquares[i] / count : 1;
        return means;
    }

    private static IEnumerable<GgufTensorPlan> Plans(string name, Entry entry)
    {
        long[] experts = entry.Counts.Length > 1 ? [entry.Counts.Length] : [];
        yield return new(name + Sums, [entry.Columns, .. experts], BlockFormats.F32);
        yield return new(name + Counts, [1, .. experts], BlockFormats.F32);
    }

    private static Entry Read(GgufFile file, GgufTensor sums, GgufTensor counts)
    {
        foreach (var tensor in (GgufTensor[])[sums, counts])
            if (tensor.Format != BlockFormats.F32)
                throw Damaged.File(file.Path, $"tensor '{tensor.Name}'", tensor.Format.Name, "F32");
        if (counts.Elements < 1 || sums.Elements != sums.Columns * counts.Elements)
            throw Damaged.File(file.Path, $"tensor '{counts.Name}'", $"{counts.Elements} values", $"one for each of {sums.Rows} rows of '{sums.Name}'");
        var entry = new Entry(file.ReadAll(sums), file.ReadAll(counts));
        foreach (var (tensor, values) in ((GgufTensor, float[])[])[(sums, entry.SumOfSquares), (counts, entry.Counts)])
            if (Array.FindIndex(values, v => !(v >= 0) || float.IsInfinity(v)) is >= 0 and var at)
                throw Damaged.File(file.Path, $"tensor '{tensor.Name}'", $"{values[at]} at place {at}", "finite numbers that are not negative");
        return entry;
    }
}
