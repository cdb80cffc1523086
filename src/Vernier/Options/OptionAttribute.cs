namespace Vernier.Options;

/// <summary>The name and the one-line summary of an option. Command line (<c>--name</c>), run file (<c>name:</c>), resolved config and help derive from it.</summary>
/// <param name="name">kebab-case, without dashes.</param>
/// <param name="summary">One line of help.</param>
[AttributeUsage(AttributeTargets.Property)]
internal class OptionAttribute(string name, string summary) : Attribute
{
    /// <summary>kebab-case, without dashes.</summary>
    public string Name { get; } = name;

    /// <summary>One line of help.</summary>
    public virtual string Summary { get; } = summary;

    /// <summary>The numbers that it takes, as <see cref="OptionRange.Parse"/> reads them; every option that is a number has one.</summary>
    public string? Range { get; init; }

    /// <summary>The texts that it takes; null = any.</summary>
    public string[]? Values { get; init; }

    /// <summary><see cref="Values"/>, or those that are known only when the program runs.</summary>
    public virtual IReadOnlyList<string>? Allowed => Values;
}
