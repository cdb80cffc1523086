using Vernier.Data;
using Vernier.Tuning;

namespace Vernier.Adapters;

/// <summary>Two tasks into one between them. Factors and scales multiply, so they are interpolated geometrically: a^(1-w) · b^w keeps sign and size, and going
/// from a to b by w and back by the reciprocal undoes itself. Zero points and full weights add, so they are interpolated linearly. Low-rank changes add as matrices,
/// those of PEQA's factors (1 + U Vᵀ) too: (1-w) B₁A₁ + w B₂A₂ is made exactly, by stacking the factors, and has both ranks together.</summary>
public static class AdapterInterpolation
{
    /// <summary>Weight 0 computes <paramref name="a"/>, weight 1 <paramref name="b"/>; beyond them it goes on.</summary>
    /// <exception cref="InvalidDataException">They were tuned on different codes, or do not hold the same tensors.</exception>
    /// <exception cref="NotSupportedException">Different methods, or one whose result is not a path from one to the other.</exception>
    public static Adapter Of(Adapter a, Adapter b, double weight)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        if (!double.IsFinite(weight))
            throw new ArgumentException(FormattableString.Invariant($"weight is {weight}, expected a finite number"));
        var (first, second) = (a.Config.Options, b.Config.Options);
        if (first.Method != second.Method)
            throw new NotSupportedException($"an adapter of {first.Method} and one of {second.Method} cannot be interpolated");
        if (a.Config.TunedCodesSha256 != b.Config.TunedCodesSha256)
            throw new InvalidDataException($"the adapters were tuned on different codes: SHA-256 {a.Config.TunedCodesSha256 ?? "none"} and {b.Config.TunedCodesSha256 ?? "none"}");
        var method = TuningMethods.Of(first);
        if (a.Tensors.Keys.FirstOrDefault(name => method.KindOf(name) is null) is { } tensor)
            throw new NotSupportedException(method.KeepsCodes
                ? $"adapters of {first.Method}: nothing lies between two tensors such as {tensor}"
                : $"adapters of {first.Method} train their codes: what lies between two of them is neither; export both and tune on from one");
        var result = method.HasRank(first) && method.HasRank(second) ? Stack(method, a, b, weight) : new Adapter(a.Config with { Prompt = Prompt(a, b) }, Blend(method, a, b, weight));
        return result.Tensors.Values.FirstOrDefault(t => t.Values.Any(v => !float.IsFinite(v))) is { } bad
            ? throw new ArgumentException(FormattableString.Invariant($"weight {weight} leads too far beyond the two adapters: tensor {bad.Name} becomes infinite"))
            : result;
    }

    private static Dictionary<string, AdapterTensor> Blend(TuningMethod method, Adapter a, Adapter b, double weight) => a.Tensors.Values.ToDictionary(t => t.Name, t =>
    {
        var other = b.Tensors.GetValueOrDefault(t.Name);
        if (other is null || !other.Shape.SequenceEqual(t.Shape) || a.Tensors.Count != b.Tensors.Count)
            throw new InvalidDataException($"tensor {t.Name}: the adapters do not hold the same tensors; they must have one granularity and one parameterization");
        var kind = method.KindOf(t.Name);
        return t with { Values = [.. t.Values.Zip(other.Values, (x, y) => Between(kind, x, y, weight))] };
    }, StringComparer.Ordinal);

    private static float Between(TensorKind? kind, float x, float y, double weight) => kind == TensorKind.Multiplies ? Geometric(x, y, weight) : Linear(x, y, weight);

    /// <summary>Exactly x at 0 and y at 1. Values of different signs have no geometric path: those are blended linearly.</summary>
    private static float Geometric(float x, float y, double weight) => x == y || x == 0 || y == 0 || MathF.Sign(x) != MathF.Sign(y) || weight is 0 or 1
        ? Linear(x, y, weight)
        : (float)(Math.Sign(x) * Math.Exp((1 - weight) * Math.Log(Math.Abs((double)x)) + weight * Math.Log(Math.Abs((double)y))));

    private static float Linear(float x, float y, double weight) => weight == 0 ? x : weight == 1 ? y : (float)((1 - weight) * x + weight * y);

    private static Adapter Stack(TuningMethod method, Adapter a, Adapter b, double weight)
    {
        var (first, second) = (a.Config.Options, b.Config.Options);
        if (first.RankPattern is not null || second.RankPattern is not null || first.AlphaPattern is not null || second.AlphaPattern is not null)
            throw new NotSupportedException("adapters with rank or alpha patterns cannot be interpolated");
        if (!a.Tensors.Keys.ToHashSet(StringComparer.Ordinal).SetEquals(b.Tensors.Keys))
            throw new InvalidDataException("the adapters have factors on different modules");
        var tensors = new Dictionary<string, AdapterTensor>(StringComparer.Ordinal);
        foreach (var (name, x) in a.Tensors)
        {
            var y = b.Tensors[name];
            var kind = method.KindOf(name);
            var side = kind == TensorKind.LoraA ? 1 : 0; // the one that is not the rank
            if (x.Shape[side] != y.Shape[side])
                throw new InvalidDataException($"tensor {name}: [{string.Join(", ", x.Shape)}] and [{string.Join(", ", y.Shape)}] belong to layers of other sizes");
            tensors.Add(name, kind switch
            {
                TensorKind.LowRankLeft => StackColumns(x, y, (float)(1 - weight), (float)weight),
                TensorKind.LowRankRight => StackColumns(x, y, 1, 1),
                TensorKind.LoraA => x with { Shape = [x.Shape[0] + y.Shape[0], x.Shape[1]], Values = [.. x.Values, .. y.Values] },
                TensorKind.LoraB => StackColumns(x, y, (float)((1 - weight) * first.Alpha / first.Rank), (float)(weight * second.Alpha / second.Rank)),
                _ => x with { Values = [.. x.Values.Zip(y.Values, (v, w) => Between(kind, v, w, weight))] },
            });
        }
        var rank = first.Rank + second.Rank;
        return new Adapter(a.Config with { Options = first with { Rank = rank, Alpha = rank }, Prompt = Prompt(a, b) }, tensors);
    }

    /// <summary>[B₁ · s, B₂ · t], [rows, r₁ + r₂].</summary>
    private static AdapterTensor StackColumns(AdapterTensor x, AdapterTensor y, float s, float t)
    {
        var (rows, left, right) = (x.Shape[0], x.Shape[1], y.Shape[1]);
        var values = new float[rows * (left + right)];
        for (var row = 0; row < rows; row++)
        {
            for (var r = 0; r < left; r++)
                values[row * (left + right) + r] = s * x.Values[row * left + r];
            for (var r = 0; r < right; r++)
                values[row * (left + right) + left + r] = t * y.Values[row * right + r];
        }
        return x with { Shape = [rows, left + right], Values = values };
    }

    /// <summary>The form that both were tuned on.</summary>
    private static PromptForm? Prompt(Adapter a, Adapter b) => a.Config.Prompt == b.Config.Prompt ? a.Config.Prompt : null;
}
