namespace Vernier.Tokens.Templates;

/// <summary>The arguments of a call, a filter or a test, as they were given.</summary>
internal sealed record TemplateArguments(IReadOnlyList<object?> Placed, IReadOnlyDictionary<string, object?> Named)
{
    private static readonly Dictionary<string, object?> NoNames = [];

    public static TemplateArguments Of(params IReadOnlyList<object?> placed) => new(placed, NoNames);
}

/// <summary>The parameters of a function, written as <c>"old new count="</c>: a name with <c>=</c> may be left out, a first <c>/</c> forbids
/// arguments by name, <c>*</c> and <c>**</c> take all that is left.</summary>
internal sealed class TemplateSignature
{
    private readonly string _function;
    private readonly List<string> _names = [];
    private readonly int _required;
    private readonly bool _placesOnly, _takesRest, _takesNamed;

    public TemplateSignature(string function, string parameters)
    {
        _function = function;
        foreach (var part in parameters.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            switch (part)
            {
                case "/": _placesOnly = true; break;
                case "*": _takesRest = true; break;
                case "**": _takesNamed = true; break;
                default:
                    _names.Add(part.TrimEnd('='));
                    _required += part.EndsWith('=') ? 0 : 1;
                    break;
            }
    }

    /// <summary>Gives each parameter its argument.</summary>
    /// <exception cref="TemplateException">One is missing, doubled or unknown.</exception>
    public TemplateBound Bind(TemplateRun run, TemplateArguments arguments)
    {
        var values = new object?[_names.Count];
        Array.Fill(values, TemplateBound.Absent);
        if (arguments.Placed.Count > values.Length && !_takesRest)
            throw run.Error($"{_function}() takes at most {values.Length} argument(s) ({arguments.Placed.Count} given)");
        for (var i = 0; i < values.Length && i < arguments.Placed.Count; i++)
            values[i] = arguments.Placed[i];
        Dictionary<string, object?>? named = null;
        foreach (var (name, value) in arguments.Named)
        {
            var place = _placesOnly ? -1 : _names.IndexOf(name);
            if (place < 0 && !_takesNamed)
                throw run.Error(_placesOnly ? $"{_function}() takes no keyword arguments" : $"{_function}() got an unexpected keyword argument '{name}'");
            if (place < 0)
                (named ??= [])[name] = value;
            else if (values[place] != TemplateBound.Absent)
                throw run.Error($"{_function}() got multiple values for argument '{name}'");
            else
                values[place] = value;
        }
        for (var i = 0; i < _required; i++)
            if (values[i] == TemplateBound.Absent)
                throw run.Error($"{_function}() missing required argument '{_names[i]}'");
        return new(_function, _names, values, [.. arguments.Placed.Skip(values.Length)], named ?? []);
    }
}

/// <summary>Arguments in the order of the parameters.</summary>
internal sealed record TemplateBound(
    string Function, IReadOnlyList<string> Names, object?[] Values, IReadOnlyList<object?> Rest, IReadOnlyDictionary<string, object?> Named)
{
    /// <summary>Stands where no argument was given.</summary>
    public static readonly object Absent = new();

    public bool Has(int place) => Values[place] != Absent;

    public object? Get(int place, object? otherwise = null) => Has(place) ? Values[place] : otherwise;

    public bool IsTrue(int place, bool otherwise = false) => Has(place) ? TemplateValues.IsTrue(Values[place]) : otherwise;

    public string Text(TemplateRun run, int place, string? otherwise = null) => !Has(place) && otherwise is not null
        ? otherwise
        : TemplateValues.AsText(Values[place]) ?? throw Wrong(run, place, "a text");

    /// <summary>A whole number; one beyond 64 bits becomes the nearest that fits.</summary>
    public long Integer(TemplateRun run, int place, long otherwise = 0) => !Has(place)
        ? otherwise
        : TemplateNumbers.AsClamped(Values[place]) ?? throw Wrong(run, place, "a whole number");

    /// <summary>A number of characters or items to make, bounded so that it can be charged.</summary>
    public int Width(TemplateRun run, int place, long otherwise = 0)
    {
        var width = Math.Max(0, Integer(run, place, otherwise));
        run.ChargeSize(width);
        return (int)width;
    }

    private TemplateException Wrong(TemplateRun run, int place, string expected) => TemplateValues.Wrong(
        run, Values[place], $"{Function}(): the argument {Names[place]} is of type {TemplateValues.TypeName(Values[place])}, expected {expected}");
}
