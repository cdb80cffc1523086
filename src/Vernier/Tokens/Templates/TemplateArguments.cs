namespace Vernier.Tokens.Templates;

/// <summary>The arguments of a call, a filter or a test.</summary>
internal sealed record TemplateArguments(IReadOnlyList<object?> Placed, IReadOnlyDictionary<string, object?> Named)
{
    private static readonly Dictionary<string, object?> NoNames = [];

    public static TemplateArguments None { get; } = new([], NoNames);

    public static TemplateArguments Of(params IReadOnlyList<object?> placed) => new(placed, NoNames);

    /// <summary>The argument at a place or of a name, or another value where it is missing.</summary>
    public object? Get(int place, string name, object? otherwise = null) =>
        Named.TryGetValue(name, out var value) ? value : place < Placed.Count ? Placed[place] : otherwise;

    public bool Has(int place, string name) => Named.ContainsKey(name) || place < Placed.Count;

    public string Text(TemplateRun run, int place, string name, string? otherwise = null) =>
        Get(place, name, otherwise) as string ?? throw run.Error($"the argument {name} has to be a text");

    public long Integer(TemplateRun run, int place, string name, long? otherwise = null) =>
        TemplateValues.AsInteger(Get(place, name, otherwise)) ?? throw run.Error($"the argument {name} has to be a whole number");

    /// <summary>The arguments from a place on.</summary>
    public TemplateArguments From(int place) => new([.. Placed.Skip(place)], Named);
}
