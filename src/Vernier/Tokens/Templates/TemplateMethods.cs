using System.Collections.Frozen;
using System.Numerics;

namespace Vernier.Tokens.Templates;

/// <summary>Python's methods and properties of dictionaries, sequences and numbers.</summary>
internal static class TemplateMethods
{
    private delegate object? Method(TemplateRun run, object? owner, TemplateBound arguments);

    private static readonly FrozenDictionary<string, (TemplateSignature, Method)> Dictionary = Table(
        ("items", "/", (_, owner, _) => new TemplateView("dict_items", (TemplateDictionary)owner!)),
        ("keys", "/", (_, owner, _) => new TemplateView("dict_keys", (TemplateDictionary)owner!)),
        ("values", "/", (_, owner, _) => new TemplateView("dict_values", (TemplateDictionary)owner!)),
        ("get", "/ key default=", (run, owner, a) => ((TemplateDictionary)owner!).TryGetValue(TemplateKey.Of(run, a.Get(0)), out var value) ? value : a.Get(1)),
        ("copy", "/", (run, owner, _) => Copy(run, (TemplateDictionary)owner!)),
        ("fromkeys", "/ iterable value=", (run, _, a) =>
        {
            var made = new TemplateDictionary();
            foreach (var key in TemplateValues.Iterate(run, a.Get(0)))
                made[TemplateKey.Of(run, key)] = a.Get(1);
            return made;
        }
    ));

    private static readonly FrozenDictionary<string, (TemplateSignature, Method)> Sequence = Table(
        ("count", "/ value", (run, owner, a) => ((IReadOnlyList<object?>)owner!).LongCount(item => ReferenceEquals(item, a.Get(0)) || TemplateValues.AreEqual(run, item, a.Get(0)))),
        ("index", "/ value start= stop=", IndexOf),
        ("copy", "/", (run, owner, _) => TemplateValues.Items(run, owner).ToList()));

    private static readonly FrozenDictionary<string, (TemplateSignature, Method)> Number = Table(
        ("bit_length", "/", (_, owner, _) => (long)BigInteger.Abs(TemplateNumbers.AsInteger(owner)!.Value).GetBitLength()),
        ("is_integer", "/", (_, owner, _) => owner is not double number || (double.IsFinite(number) && Math.Floor(number) == number)),
        ("conjugate", "/", (_, owner, _) => owner is bool flag ? (flag ? 1L : 0L) : owner));

    public static object? Find(object? owner, string name)
    {
        switch (owner)
        {
            case TemplateDictionary:
                return Bound(Dictionary, owner, name);
            case List<object?>:
                return Bound(Sequence, owner, name);
            case TemplateTuple or TemplateRange:
                return name == "copy" ? null : owner is TemplateRange range && name is "start" or "step" ? (name == "start" ? range.Start : range.Step)
                    : Bound(Sequence, owner, name);
            case long or BigInteger or bool or double:
                return name switch
                {
                    "real" => owner is bool flag ? (flag ? 1L : 0L) : owner,
                    "imag" => owner is double ? 0.0 : (object)0L,
                    "numerator" when owner is not double => owner is bool flag ? (flag ? 1L : 0L) : owner,
                    "denominator" when owner is not double => 1L,
                    "bit_length" when owner is double => null,
                    "is_integer" when owner is not double => null,
                    _ => Bound(Number, owner, name),
                };
            default:
                return null;
        }
    }

    private static TemplateFunction? Bound(FrozenDictionary<string, (TemplateSignature Signature, Method Call)> table, object? owner, string name) =>
        table.TryGetValue(name, out var method)
            ? new TemplateFunction(name, (run, arguments) => method.Call(run, owner, method.Signature.Bind(run, arguments)))
            : null;

    public static TemplateDictionary Copy(TemplateRun run, TemplateDictionary pairs)
    {
        run.ChargeItems(pairs.Count * 4L);
        var copy = new TemplateDictionary();
        foreach (var (key, value) in pairs)
            copy[key] = value;
        return copy;
    }

    private static object IndexOf(TemplateRun run, object? owner, TemplateBound arguments)
    {
        var items = (IReadOnlyList<object?>)owner!;
        var start = arguments.Integer(run, 1);
        var stop = arguments.Integer(run, 2, items.Count);
        start = Math.Max(0, start < 0 ? start + items.Count : start);
        stop = Math.Min(items.Count, stop < 0 ? stop + items.Count : stop);
        for (var i = start; i < stop; i++)
            if (ReferenceEquals(items[(int)i], arguments.Get(0)) || TemplateValues.AreEqual(run, items[(int)i], arguments.Get(0)))
                return i;
        throw run.Error($"{TemplateRepresentation.Of(run, arguments.Get(0))} is not in {TemplateValues.TypeName(owner)}");
    }

    private static FrozenDictionary<string, (TemplateSignature, Method)> Table(params (string Name, string Parameters, Method Call)[] methods) =>
        methods.ToFrozenDictionary(method => method.Name, method => (new TemplateSignature(method.Name, method.Parameters), method.Call));
}
