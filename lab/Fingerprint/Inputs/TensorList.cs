namespace Vernier.Fingerprint.Inputs;

/// <summary>The random tensors of one model, in the order in which they are asked for.</summary>
/// <param name="name">Of the model; each tensor's values depend on its name and this one only.</param>
internal sealed class TensorList(string name)
{
    private readonly List<Tensor> _all = [];

    public IReadOnlyList<Tensor> All => _all;

    public void Matrix(string module, int rows, int columns, bool bias)
    {
        _all.Add(Tensor.Singles(module + ".weight", Noise(module).Normals(rows * columns, 0.08f), rows, columns));
        if (bias)
            _all.Add(Tensor.Singles(module + ".bias", Noise(module + ".bias").Normals(rows, 0.02f), rows));
    }

    public void Gain(string module, int size) => _all.Add(Tensor.Singles(module + ".weight", Noise(module).Normals(size, 0.1f, mean: 1), size));

    public void Norm(string module, int size)
    {
        Gain(module, size);
        _all.Add(Tensor.Singles(module + ".bias", Noise(module + ".bias").Normals(size, 0.02f), size));
    }

    private Noise Noise(string part) => new($"{name} {part}");
}
