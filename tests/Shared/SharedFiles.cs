namespace Vernier.TestSupport;

/// <summary>Where the reference files (goldens, models, data) are: the small ones in <c>tests/</c> of the checkout, always; more of them in
/// <c>$VERNIER_SHARED</c>, else in the folder <c>shared</c> beside the checkout.</summary>
internal static class SharedFiles
{
    private const string OutsideName = "shared:"; // before the name of a file that lies outside the checkout

    private static readonly string s_inside = Path.Combine(Checkout.Root, "tests");

    /// <summary>The folder outside the checkout, or null where it is missing.</summary>
    public static string? Outside { get; } = FindOutside();

    /// <summary>The reason to give for a skipped test, or null when <paramref name="relative"/> exists in one of the places.</summary>
    public static string? WhyMissing(string relative) =>
        Path.Exists(At(relative)) ? null
        : Outside is null ? $"reference file {relative} not found: set VERNIER_SHARED to the folder of the reference files"
        : $"reference file {Path.Combine(Outside, relative)} not found";

    /// <summary>The full path of a file or folder: of the checkout where it has it, else outside. Names that <see cref="NameOf"/> gave lead back to their files.</summary>
    public static string At(string name)
    {
        if (name.StartsWith(OutsideName, StringComparison.Ordinal))
            return Path.Combine(Outside!, name[OutsideName.Length..]);
        var inside = Path.Combine(s_inside, name);
        return Outside is null || Path.Exists(inside) ? inside : Path.Combine(Outside, name);
    }

    /// <summary>A short name of a file or folder that lies in one of the places, for the rows of theories.</summary>
    public static string NameOf(string path) => IsInside(path)
        ? Path.GetRelativePath(s_inside, path).Replace('\\', '/')
        : OutsideName + Path.GetRelativePath(Outside!, path).Replace('\\', '/');

    /// <summary>The folder in every place that has it, that of the checkout first.</summary>
    public static IEnumerable<string> Folders(string folder) =>
        new[] { s_inside, Outside }.OfType<string>().Select(root => Path.GetFullPath(Path.Combine(root, folder))).Where(Directory.Exists);

    /// <summary>The files of a folder that match a pattern, in every place, sorted; without copies of what the checkout has.</summary>
    public static IEnumerable<string> Match(string folder, string pattern) =>
        Folders(folder).SelectMany(f => Directory.EnumerateFiles(f, pattern).Where(path => !IsCopy(path)).Order(StringComparer.Ordinal));

    /// <summary>The files that match a folder's pattern, such as <c>goldens/models/*.gguf</c>, by their names as rows of a theory.</summary>
    public static TheoryData<string> Rows(params string[] patterns) =>
        [.. patterns.SelectMany(pattern => Match(Path.GetDirectoryName(pattern)!, Path.GetFileName(pattern))).Select(NameOf)];

    /// <summary>The folders of a folder, in every place, sorted; without copies of what the checkout has.</summary>
    public static IEnumerable<string> SubFolders(string folder) =>
        Folders(folder).SelectMany(f => Directory.EnumerateDirectories(f).Where(path => !Directory.EnumerateFiles(path).All(IsCopy)).Order(StringComparer.Ordinal));

    /// <summary>Whether a file outside has the bytes of the one in the checkout.</summary>
    public static bool IsCopy(string path)
    {
        if (IsInside(path))
            return false;
        var inside = new FileInfo(Path.Combine(s_inside, Path.GetRelativePath(Outside!, path)));
        return inside.Exists && inside.Length == new FileInfo(path).Length && File.ReadAllBytes(inside.FullName).AsSpan().SequenceEqual(File.ReadAllBytes(path));
    }

    private static bool IsInside(string path) => path.StartsWith(s_inside + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    private static string? FindOutside()
    {
        var folder = Environment.GetEnvironmentVariable("VERNIER_SHARED") is { Length: > 0 } set ? set : Path.Combine(Checkout.Root, "..", "shared");
        return Directory.Exists(folder) ? Path.GetFullPath(folder) : null;
    }
}

/// <summary>A test that needs reference files which the checkout does not have; skipped with the reason where one is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedFactAttribute : FactAttribute
{
    public SharedFactAttribute(params string[] needs) => Skip = needs.Select(SharedFiles.WhyMissing).FirstOrDefault(why => why is not null);
}

/// <summary>A theory about reference files which the checkout does not have; skipped with the reason where one is missing.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class SharedTheoryAttribute : TheoryAttribute
{
    public SharedTheoryAttribute(params string[] needs) => Skip = needs.Select(SharedFiles.WhyMissing).FirstOrDefault(why => why is not null);
}
