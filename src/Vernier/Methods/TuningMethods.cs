namespace Vernier.Tuning;

/// <summary>Every tuning method. Those of the library are registered when it is loaded, others by the program that has them.</summary>
public static class TuningMethods
{
    private static readonly Lock s_registering = new();
    private static (TuningMethod Known, Func<TuningMethod> Create)[] s_methods = [];

    /// <summary>All methods, in the order of help. What they answer may be asked; to apply one, make it: <see cref="Of"/>.</summary>
    public static IReadOnlyList<TuningMethod> All => [.. s_methods.Select(m => m.Known)];

    /// <summary>What <see cref="TuneOptions.Method"/> may be.</summary>
    public static IReadOnlyList<string> Names => [.. s_methods.Select(m => m.Known.Name).Distinct()];

    /// <summary>The method of options that name none: the first.</summary>
    public static string Default => s_methods[0].Known.Name;

    /// <summary>Adds a method: from here on options and adapters may name it.</summary>
    /// <param name="create">Makes a new instance.</param>
    /// <exception cref="ArgumentException">There is one of this name and scheme.</exception>
    public static void Register(Func<TuningMethod> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        var method = create();
        lock (s_registering)
        {
            if (s_methods.Any(m => (m.Known.Name, m.Known.Scheme) == (method.Name, method.Scheme)))
                throw new ArgumentException($"there is a method '{method.Name}'{(method.Scheme is { } scheme ? $" of the scheme {scheme}" : "")} already", nameof(create));
            s_methods = [.. s_methods, (method, create)];
        }
    }

    /// <summary>A new instance of the method that the options name: the one for their scheme where there is one, else the one for all schemes.</summary>
    /// <exception cref="ArgumentException">No method has this name.</exception>
    public static TuningMethod Of(TuneOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var named = s_methods.Where(m => m.Known.Name == options.Method).ToList();
        var found = named.FindIndex(m => m.Known.Scheme == options.Scheme);
        if (found < 0)
            found = named.FindIndex(m => m.Known.Scheme is null);
        return found >= 0 ? named[found].Create() : throw new ArgumentException($"unknown method '{options.Method}'; known: {string.Join(", ", Names)}", nameof(options));
    }

    /// <summary>The name of the method that alone takes a scheme; null where all do.</summary>
    public static string? OwnerOf(string scheme) => s_methods.FirstOrDefault(m => m.Known.OwnSchemes.Contains(scheme)).Known?.Name;
}
