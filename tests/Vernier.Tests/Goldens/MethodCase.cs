using System.Text.Json;
using Vernier.Kernels;
using Vernier.TestSupport;

namespace Vernier.Tests.Goldens;

/// <summary>One case of goldens/methods: its settings, its tensors and the layer's inputs.</summary>
internal sealed class MethodCase
{
    public const string Folder = "goldens/methods";

    private readonly JsonElement _settings;

    private MethodCase(string path, JsonElement settings)
    {
        _settings = settings;
        Tensors = new GoldenTensors(path);
        Inputs = settings.TryGetProperty("inputs", out var inputs) ? new GoldenTensors(Path.Combine(path, "..", inputs.GetString() + ".safetensors")) : null;
    }

    public GoldenTensors Tensors { get; }

    public GoldenTensors? Inputs { get; }

    public int Bits => Setting("bits");

    public int Group => Setting("group");

    public float[] W => Inputs!["W"].Floats;

    public float[] X => Inputs!["X"].Floats;

    public float[] DY => Inputs!["dY"].Floats;

    public int Rows => Inputs!["W"].Shape[0];

    public int Columns => Inputs!["W"].Shape[1];

    public int Tokens => Inputs!["X"].Shape[0];

    public int Setting(string name) => _settings.GetProperty(name).GetInt32();

    public double Number(string name) => _settings.GetProperty(name).GetDouble();

    public bool Flag(string name) => _settings.GetProperty(name).GetBoolean();

    public string Text(string name) => _settings.GetProperty(name).GetString()!;

    /// <summary>The names of the cases of a method, as theory rows.</summary>
    public static TheoryData<string> Names(string method)
    {
        var rows = new TheoryData<string>();
        foreach (var place in SharedFiles.Folders(Folder))
            foreach (var entry in Meta(place).EnumerateObject().Where(e => e.Value.GetProperty("method").GetString() == method))
                if (Path.Combine(place, entry.Name + ".safetensors") is var path && !SharedFiles.IsCopy(path))
                    rows.Add(SharedFiles.NameOf(path));
        return rows;
    }

    public static MethodCase Load(string name)
    {
        var path = SharedFiles.At(name);
        return new(path, Meta(Path.GetDirectoryName(path)!).GetProperty(Path.GetFileNameWithoutExtension(path)));
    }

    /// <summary>The layer's weight in full precision.</summary>
    public DenseMatrix Dense() => Dense(W, Rows, Columns);

    public static DenseMatrix Dense(float[] values, int rows, int columns)
    {
        var matrix = new DenseMatrix(rows, columns);
        for (var i = 0; i < rows; i++)
            values.AsSpan(i * columns, columns).CopyTo(matrix.Row(i));
        return matrix;
    }

    /// <summary>A packed weight with the codes, scales and zero points of the named tensors.</summary>
    public PackedMatrix Packed(string codes, string scale, string zero, int group)
    {
        var tensor = Tensors[codes];
        var (rows, columns) = (tensor.Shape[0], tensor.Shape[1]);
        var packed = new PackedMatrix(rows, columns, Bits, group);
        for (var i = 0; i < rows; i++)
            packed.SetRowCodes(i, Array.ConvertAll(tensor.Values[(i * columns)..((i + 1) * columns)], v => (byte)v));
        var (s, z) = (Tensors[scale].Floats, Tensors[zero].Floats);
        s.CopyTo(packed.TunedScales.Scale.Span);
        for (var i = 0; i < s.Length; i++)
            packed.TunedScales.Offset.Span[i] = -s[i] * z[i];
        return packed;
    }

    /// <summary>Asserts that |actual - expected| is within tolerance · max|expected| everywhere.</summary>
    public void AssertClose(string name, ReadOnlySpan<float> actual, double tolerance = 1e-5) => AssertClose(Tensors[name].Values, actual, tolerance, name);

    public static void AssertClose(double[] expected, ReadOnlySpan<float> actual, double tolerance, string name)
    {
        Assert.Equal(expected.Length, actual.Length);
        var scale = expected.Max(Math.Abs);
        for (var i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(actual[i] - expected[i]) <= tolerance * scale, $"{name}[{i}] = {actual[i]:g9}, expected {expected[i]:g9} (max {scale:g3})");
    }

    private static JsonElement Meta(string place)
    {
        using var json = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(place, "meta.json")));
        return json.RootElement.GetProperty("cases").Clone();
    }
}
