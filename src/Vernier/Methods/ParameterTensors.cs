using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Adapter tensors that are the trained parameters under their own names.</summary>
internal static class ParameterTensors
{
    /// <param name="rename">From the parameter's name to the file's; null = the same.</param>
    public static IEnumerable<AdapterTensor> Collect(Decoder decoder, Func<string, string>? rename = null)
    {
        foreach (var parameter in decoder.Parameters)
            yield return new(rename is null ? parameter.Name : rename(parameter.Name), parameter.Shape, parameter.Value.Span.ToArray());
    }

    /// <exception cref="InvalidDataException">A tensor is missing, unknown, of another shape or not finite.</exception>
    public static void Restore(Decoder decoder, IReadOnlyDictionary<string, AdapterTensor> tensors, Func<string, string>? rename = null)
    {
        var used = new HashSet<string>();
        foreach (var parameter in decoder.Parameters)
        {
            var name = rename is null ? parameter.Name : rename(parameter.Name);
            if (!tensors.TryGetValue(name, out var tensor))
                throw new InvalidDataException($"adapter: tensor {name} is missing");
            Copy(tensor, parameter);
            used.Add(name);
        }
        foreach (var linear in decoder.AllLinears)
            linear.ParametersChanged();
        if (tensors.Keys.FirstOrDefault(name => !used.Contains(name)) is { } unknown)
            throw new InvalidDataException($"adapter: tensor {unknown} belongs to no tuned layer of this model");
    }

    private static void Copy(AdapterTensor tensor, Parameter parameter)
    {
        if (!tensor.Shape.SequenceEqual(parameter.Shape) || tensor.Values.Length != parameter.Value.Length)
            throw new InvalidDataException($"adapter: tensor {tensor.Name} has shape [{string.Join(", ", tensor.Shape)}], expected [{string.Join(", ", parameter.Shape)}]");
        var bad = Array.FindIndex(tensor.Values, v => !float.IsFinite(v));
        if (bad >= 0)
            throw new InvalidDataException($"adapter: tensor {tensor.Name}, element {bad} is {tensor.Values[bad]}, expected a finite number");
        tensor.Values.CopyTo(parameter.Value.Span);
    }
}
