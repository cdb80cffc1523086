using System.Text.Json;
using Vernier.Files.Disk;
using Vernier.Files.Pickle;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;

namespace Vernier.Files.HuggingFace;

/// <summary>A model folder as on the Hugging Face hub: config.json, and the weights in model.safetensors, in shards listed by
/// model.safetensors.index.json, in pytorch_model.bin, or in shards listed by pytorch_model.bin.index.json (the first of these that is there).</summary>
public sealed class HfFolder : IDisposable
{
    private const long MaxJsonBytes = 1 << 26;
    private readonly List<ITensorFile> _files = [];
    private readonly List<HfTensor> _tensors = [];
    private readonly Dictionary<string, HfTensor> _byName = new(StringComparer.Ordinal);

    private HfFolder(string path, JsonDocument config)
    {
        Path = path;
        Config = config;
    }

    /// <summary>The folder as it was named.</summary>
    public string Path { get; }

    /// <summary>The content of config.json.</summary>
    public JsonDocument Config { get; }

    /// <summary>The path of config.json, for messages.</summary>
    public string ConfigPath => System.IO.Path.Combine(Path, "config.json");

    /// <summary>All tensors, in the order of their files.</summary>
    public IReadOnlyList<HfTensor> Tensors => _tensors;

    /// <summary>Opens a folder; headers are read and checked, tensor data is not touched.</summary>
    /// <exception cref="InvalidDataException">No config or weights, a damaged file, or an index that does not fit its shards.</exception>
    /// <exception cref="IOException">A file cannot be read.</exception>
    public static HfFolder Open(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var folder = new HfFolder(path, ReadJson(System.IO.Path.Combine(path, "config.json")));
        try
        {
            folder.OpenWeights();
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>The tensor of a name, or null.</summary>
    public HfTensor? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The tensor of a name.</summary>
    /// <exception cref="InvalidDataException">No such tensor; names the files that were searched.</exception>
    public HfTensor Get(string name) => Find(name)
        ?? throw Damaged.File(_files.Count == 1 ? _files[0].Path : Path, "tensors", $"none of that name in {_files.Count} file(s)", $"a tensor '{name}'");

    /// <summary>The tensor of a name, which must have this shape.</summary>
    /// <exception cref="InvalidDataException">No such tensor, or another shape; names the file.</exception>
    public HfTensor Get(string name, params ReadOnlySpan<long> shape)
    {
        var tensor = Get(name);
        if (tensor.Shape.Count == shape.Length)
        {
            var same = true;
            for (var d = 0; d < shape.Length; d++)
                same &= tensor.Shape[d] == shape[d];
            if (same)
                return tensor;
        }
        throw Damaged.File(tensor.FilePath, $"tensor '{name}'", $"shape [{string.Join(", ", tensor.Shape)}]", $"[{string.Join(", ", shape.ToArray())}] (from {ConfigPath})");
    }

    /// <summary>Another JSON file of the folder, such as quantize_config.json; null where it is missing.</summary>
    /// <param name="name">A file name.</param>
    /// <exception cref="InvalidDataException">Not JSON.</exception>
    public JsonDocument? FindJson(string name) => File.Exists(In(name)) ? ReadJson(In(name)) : null;

    /// <summary>Refuses weights that were written to since they were opened.</summary>
    /// <exception cref="InvalidDataException">A file's length or the time of its last change is another.</exception>
    public void RequireUnchanged()
    {
        foreach (var file in _files)
            file.RequireUnchanged();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
        Config.Dispose();
    }

    private void OpenWeights()
    {
        foreach (var name in (ReadOnlySpan<string>)["model.safetensors", "pytorch_model.bin"])
        {
            if (File.Exists(In(name)))
            {
                var file = OpenFile(In(name));
                foreach (var (tensor, type, shape) in file.List())
                    Add(new HfTensor(file, tensor, type, shape));
                return;
            }
            if (File.Exists(In(name + ".index.json")))
            {
                OpenShards(In(name + ".index.json"));
                return;
            }
        }
        throw Damaged.File(Path, "folder", "no weights", "model.safetensors, pytorch_model.bin, or the .index.json of one of them");
    }

    private void OpenShards(string indexPath)
    {
        try
        {
            ReadIndex(indexPath);
        }
        catch (InvalidOperationException e)
        {
            // The JSON parser accepts escapes of half a surrogate pair and throws only when they are read.
            throw Damaged.File(indexPath, "weight_map", "names that are not valid text", "tensor names and file names", e);
        }
    }

    private void ReadIndex(string indexPath)
    {
        using var index = ReadJson(indexPath);
        if (index.RootElement.ValueKind != JsonValueKind.Object || !index.RootElement.TryGetProperty("weight_map", out var map) || map.ValueKind != JsonValueKind.Object)
            throw Damaged.File(indexPath, "root", "no weight_map", "an object of tensor names and file names");
        var shards = new Dictionary<string, (ITensorFile File, Dictionary<string, (ElementType Type, IReadOnlyList<long> Shape)> Tensors)>(StringComparer.Ordinal);
        foreach (var entry in map.EnumerateObject())
        {
            var shard = entry.Value.ValueKind == JsonValueKind.String ? entry.Value.GetString()! : "";
            // An index is untrusted: it may only name files beside it.
            if (shard.Length == 0 || shard is "." or ".." || shard.AsSpan().IndexOfAny('/', '\\', '\0') >= 0)
                throw Damaged.File(indexPath, $"weight_map '{entry.Name}'", $"{entry.Value}", "the name of a file in the same folder");
            if (!shards.TryGetValue(shard, out var opened))
            {
                if (!File.Exists(In(shard)))
                    throw Damaged.File(indexPath, $"weight_map '{entry.Name}'", $"'{shard}', which is missing", "a file in the same folder");
                var file = OpenFile(In(shard));
                opened = (file, file.List().ToDictionary(t => t.Name, t => (t.Type, t.Shape), StringComparer.Ordinal));
                shards.Add(shard, opened);
            }
            if (!opened.Tensors.TryGetValue(entry.Name, out var tensor))
                throw Damaged.File(In(shard), "tensors", "none of that name", $"the tensor '{entry.Name}' that {System.IO.Path.GetFileName(indexPath)} places there");
            Add(new HfTensor(opened.File, entry.Name, tensor.Type, tensor.Shape));
        }
    }

    private ITensorFile OpenFile(string path)
    {
        ITensorFile file = path.EndsWith(".safetensors", StringComparison.Ordinal) ? SafetensorsFile.Open(path) : TorchFile.Open(path);
        _files.Add(file);
        return file;
    }

    private void Add(HfTensor tensor)
    {
        if (!_byName.TryAdd(tensor.Name, tensor))
            throw Damaged.File(tensor.FilePath, $"tensor '{tensor.Name}'", "the name a second time", "every name once");
        _tensors.Add(tensor);
    }

    private string In(string name) => System.IO.Path.Combine(Path, name);

    private static JsonDocument ReadJson(string path)
    {
        if (!File.Exists(path))
            throw Damaged.File(System.IO.Path.GetDirectoryName(path)!, "model folder", $"no {System.IO.Path.GetFileName(path)}", "it beside the weights");
        return JsonFile.Parse(path, MaxJsonBytes);
    }
}
