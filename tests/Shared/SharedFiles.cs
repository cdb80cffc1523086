namespace Vernier.TestSupport;

/// <summary>Where the reference files (goldens, models, data) are: <c>$VERNIER_SHARED</c>, else the folder <c>shared</c> beside the checkout.</summary>
internal static class SharedFiles
{
    /// <summary>The root folder, or null where it is missing.</summary>
    public static string? Root { get; } = Find();

    /// <summary>The reason to give for a skipped test, or null when <paramref name="relative"/> exists below the root.</summary>
    public static string? WhyMissing(string relative)
    {
        if (Root is null)
            return "reference files not found: set VERNIER_SHARED to their folder";
        var path = Path.Combine(Root, relative);
        return File.Exists(path) || Directory.Exists(path) ? null : $"reference file {path} not found";
    }

    /// <summary>The full path of a file or folder below the root.</summary>
    public static string At(string relative) =>
        Path.Combine(Root ?? throw new InvalidOperationException("no reference files"), relative);

    /// <summary>The files below a folder of the root that match a pattern, sorted; none where the folder is missing.</summary>
    public static IEnumerable<string> Match(string folder, string pattern) =>
        WhyMissing(folder) is null ? Directory.EnumerateFiles(At(folder), pattern).Order(StringComparer.Ordinal) : [];

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("VERNIER_SHARED") is { Length: > 0 } set)
            return Directory.Exists(set) ? set : null;
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
            if (File.Exists(Path.Combine(at.FullName, "Vernier.slnx")))
            {
                var beside = Path.Combine(at.FullName, "..", "shared");
                return Directory.Exists(beside) ? Path.GetFullPath(beside) : null;
            }
        return null;
    }
}

/// <summary>A test that needs a reference file; skipped with the reason where the file is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute(params string[] needs) => Skip = needs.Select(SharedFiles.WhyMissing).FirstOrDefault(why => why is not null);
}

/// <summary>A theory whose rows are reference files; skipped with the reason where the folder is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedTheoryAttribute : TheoryAttribute
{
    public SharedTheoryAttribute(string needs) => Skip = SharedFiles.WhyMissing(needs);
}
