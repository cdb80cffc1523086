namespace Vernier.TestSupport;

/// <summary>The files of the checkout that the tests run in.</summary>
internal static class Checkout
{
    public static string Root { get; } = Find();

    public static string At(string relative) => Path.Combine(Root, relative);

    private static string Find()
    {
        var at = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(at.FullName, "Vernier.slnx")))
            at = at.Parent ?? throw new InvalidOperationException($"no Vernier.slnx above {AppContext.BaseDirectory}");
        return at.FullName;
    }
}
