using Vernier.Files.Disk;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Files.Pickle;

/// <summary>The weights in a file of <c>torch.save</c> (pytorch_model.bin): a zip file with a pickle that describes the tensors and one entry
/// for each storage. Mapped in memory; the pickle is interpreted by <see cref="PickleMachine"/>, which cannot run code.</summary>
internal sealed class TorchFile : ITensorFile
{
    private const int MaxPickleBytes = 1 << 24;
    private readonly MappedMemory _memory;
    private readonly Dictionary<string, TorchTensor> _byName = new(StringComparer.Ordinal);
    private readonly List<TorchTensor> _tensors = [];

    private TorchFile(string path, MappedMemory memory)
    {
        Path = path;
        _memory = memory;
    }

    public string Path { get; }

    /// <summary>Tensors in the order of the file. Tensors may share their elements.</summary>
    public IReadOnlyList<TorchTensor> Tensors => _tensors;

    /// <summary>Opens a file and checks its directory and pickle; tensor data is not touched.</summary>
    /// <exception cref="InvalidDataException">Damaged, compressed, or it asks for more than building tensors.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static TorchFile Open(string path)
    {
        var memory = MappedMemory.Open(path);
        try
        {
            var file = new TorchFile(path, memory);
            file.ReadTensors(ZipDirectory.Read(path, memory));
            return file;
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of a name, or null.</summary>
    public TorchTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>A whole tensor as fp32, row-major.</summary>
    /// <exception cref="InvalidDataException">The file has no such tensor.</exception>
    public float[] ReadSingles(string name)
    {
        var tensor = Find(name) ?? throw Damaged.File(Path, "tensors", "none of that name", $"a tensor '{name}'");
        var bytes = new byte[checked((int)(tensor.Elements * tensor.Type.Size()))];
        ((ITensorFile)this).ReadElements(name, 0, bytes);
        var all = new float[(int)tensor.Elements];
        tensor.Type.ToSingle(bytes, all);
        return all;
    }

    IEnumerable<(string Name, ElementType Type, IReadOnlyList<long> Shape)> ITensorFile.List() => _tensors.Select(t => (t.Name, t.Type, t.Shape));

    void ITensorFile.ReadElements(string name, long start, Span<byte> destination)
    {
        var tensor = _byName[name];
        var size = tensor.Type.Size();
        var count = destination.Length / size;
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start, tensor.Elements - count);
        if (tensor.IsContiguous)
        {
            _memory.Slice(tensor.Start + start * size, count * size).CopyTo(destination);
            return;
        }
        for (var i = 0; i < count; i++)
        {
            var (left, at) = (start + i, 0L);
            for (var d = tensor.Shape.Count - 1; d >= 0; d--)
            {
                (left, var index) = Math.DivRem(left, tensor.Shape[d]);
                at += index * tensor.Strides[d];
            }
            _memory.Slice(tensor.Start + at * size, size).CopyTo(destination[(i * size)..]);
        }
    }

    void ITensorFile.Release(string name)
    {
    } // tensors may share a storage, and strided ones are read in any order: the map stays until disposal

    void ITensorFile.RequireUnchanged() => _memory.RequireUnchanged();

    public void Dispose() => _memory.Dispose();

    private void ReadTensors(ZipDirectory zip)
    {
        const string pickleName = "/data.pkl";
        var entry = zip.Entries.Keys.FirstOrDefault(name => name.EndsWith(pickleName, StringComparison.Ordinal) && name.IndexOf('/') == name.Length - pickleName.Length)
            ?? throw Damaged.File(Path, "zip directory", "no data.pkl", "a file written by torch.save");
        var root = entry[..^pickleName.Length];
        var (start, length) = zip.Entries[entry];
        if (length > MaxPickleBytes)
            throw Damaged.File(Path, "data.pkl", $"{length} bytes", $"at most {MaxPickleBytes}");
        CheckByteOrder(zip, root);
        if (PickleMachine.Read(Path, _memory.Slice(start, (int)length)) is not PickleDict dict)
            throw Damaged.File(Path, "data.pkl", "something else", "a dict of tensors");
        foreach (var (key, value) in dict.Items)
            if (key is string name && value is PickleTensor view)
                Add(new TorchTensor(name, view, FindStart(zip, root, name, view)));
    }

    private void CheckByteOrder(ZipDirectory zip, string root)
    {
        if (zip.Entries.TryGetValue(root + "/byteorder", out var order) && !_memory.Slice(order.Start, (int)Math.Min(order.Length, 16)).SequenceEqual("little"u8))
            throw new NotSupportedException($"{Path}: byteorder: only little-endian files are read");
    }

    private long FindStart(ZipDirectory zip, string root, string name, PickleTensor view)
    {
        var entryName = $"{root}/data/{view.Storage.Key}";
        if (!zip.Entries.TryGetValue(entryName, out var data))
            throw Damaged.File(Path, $"tensor '{name}'", "no data", $"an entry '{entryName}'");
        var size = view.Storage.Type.Size();
        if (view.Storage.Elements > data.Length / size)
            throw Damaged.File(Path, $"entry '{entryName}'", $"{data.Length} bytes", $"{view.Storage.Elements} elements of {view.Storage.Type}");
        return data.Start + view.Offset * size;
    }

    private void Add(TorchTensor tensor)
    {
        if (!_byName.TryAdd(tensor.Name, tensor))
            throw Damaged.File(Path, $"tensor '{tensor.Name}'", "the name a second time", "every name once");
        _tensors.Add(tensor);
    }
}
