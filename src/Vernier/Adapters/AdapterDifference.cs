namespace Vernier.Adapters;

/// <summary>How two adapters differ. Property names in snake_case are the fields of the JSON result.</summary>
/// <param name="SameMethod">Both were made by one method.</param>
/// <param name="SameCodes">Both were tuned on the same codes.</param>
/// <param name="Equal">All tensors are equal to the bit.</param>
/// <param name="RootMeanSquare">Of the differences of all values that both have.</param>
/// <param name="Tensors">One entry for each tensor of either.</param>
internal sealed record AdapterDifference(bool SameMethod, bool SameCodes, bool Equal, double RootMeanSquare, IReadOnlyList<TensorDifference> Tensors)
{
    /// <summary>Compares tensor by tensor.</summary>
    public static AdapterDifference Of(Adapter a, Adapter b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        var tensors = a.Tensors.Keys.Union(b.Tensors.Keys).Order(StringComparer.Ordinal)
            .Select(name => TensorDifference.Of(name, a.Tensors.GetValueOrDefault(name), b.Tensors.GetValueOrDefault(name))).ToList();
        var compared = tensors.Where(t => t.Values > 0).ToList();
        var values = compared.Sum(t => t.Values);
        return new(a.Config.Options.Method == b.Config.Options.Method, a.Config.TunedCodesSha256 == b.Config.TunedCodesSha256,
            tensors.All(t => t.Only is null && t.Changed == 0), values == 0 ? 0 : Math.Sqrt(compared.Sum(t => t.RootMeanSquare * t.RootMeanSquare * t.Values) / values), tensors);
    }
}
