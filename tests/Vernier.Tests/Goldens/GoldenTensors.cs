using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Vernier.Tests.Goldens;

/// <summary>A tensor of a reference file, widened to double.</summary>
internal sealed record GoldenTensor(int[] Shape, double[] Values)
{
    public float[] Floats => Array.ConvertAll(Values, v => (float)v);
}

/// <summary>The tensors of a safetensors file, read by a reader of the tests' own: it also judges the project's reader.</summary>
internal sealed class GoldenTensors
{
    private readonly Dictionary<string, GoldenTensor> _tensors = [];

    public GoldenTensors(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var header = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        using var json = JsonDocument.Parse(bytes.AsMemory(8, header));
        foreach (var entry in json.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__"))
        {
            var offsets = entry.Value.GetProperty("data_offsets");
            var (from, to) = (offsets[0].GetInt32(), offsets[1].GetInt32());
            var shape = entry.Value.GetProperty("shape").EnumerateArray().Select(d => d.GetInt32()).ToArray();
            _tensors[entry.Name] = new(shape, Widen(entry.Value.GetProperty("dtype").GetString()!, bytes.AsSpan(8 + header + from, to - from)));
        }
    }

    public GoldenTensor this[string name] => _tensors[name];

    public IEnumerable<string> Names => _tensors.Keys;

    public bool Has(string name) => _tensors.ContainsKey(name);

    private static double[] Widen(string type, ReadOnlySpan<byte> data) => type switch
    {
        "F64" => MemoryMarshal.Cast<byte, double>(data).ToArray(),
        "F32" => Array.ConvertAll(MemoryMarshal.Cast<byte, float>(data).ToArray(), v => (double)v),
        "I64" => Array.ConvertAll(MemoryMarshal.Cast<byte, long>(data).ToArray(), v => (double)v),
        "I32" => Array.ConvertAll(MemoryMarshal.Cast<byte, int>(data).ToArray(), v => (double)v),
        "I8" => Array.ConvertAll(MemoryMarshal.Cast<byte, sbyte>(data).ToArray(), v => (double)v),
        "U8" or "BOOL" => Array.ConvertAll(data.ToArray(), v => (double)v),
        _ => throw new NotSupportedException(type),
    };
}
