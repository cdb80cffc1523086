namespace Vernier.Files.Disk;

/// <summary>The one wording of errors about a file's content: which file, where in it, what was found, what was expected.</summary>
internal static class Damaged
{
    public static InvalidDataException File(string path, string place, string found, string expected) =>
        new($"{path}: {place}: found {found}, expected {expected}");

    public static InvalidDataException File(string path, string place, string found, string expected, Exception inner) =>
        new($"{path}: {place}: found {found}, expected {expected}", inner);
}
