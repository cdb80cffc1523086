namespace Vernier.Files.Disk;

/// <summary>Files that make sense together only. They are put in place when all of them are complete, the first, by which the set is found, last;
/// where that fails, the old files are there again.</summary>
internal static class ReplacingSet
{
    /// <param name="files">In the order of the set.</param>
    /// <param name="obsolete">What goes with the old set besides the names that are written.</param>
    /// <exception cref="IOException">The disk is full or fails; the old files stay.</exception>
    public static void Commit(IReadOnlyList<ReplacingFile> files, IEnumerable<string> obsolete)
    {
        foreach (var file in files)
            file.Complete();
        var aside = new List<(string Path, string Name)>();
        var placed = new List<string>();
        try
        {
            // no file of the old set stands beside one of the new, whenever the process ends
            foreach (var old in files.Select(f => f.Path).Concat(obsolete).Distinct(StringComparer.Ordinal).Where(File.Exists).ToList())
                aside.Add((old, SetAside(old)));
            foreach (var file in files.Reverse())
            {
                file.Commit();
                placed.Add(file.Path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            placed.ForEach(File.Delete);
            foreach (var (path, name) in aside)
                File.Move(name, path);
            throw;
        }
        foreach (var (_, name) in aside)
            File.Delete(name);
    }

    private static string SetAside(string path)
    {
        var name = Unfinished.NameFor(path);
        Unfinished.Forget(name); // a process that ends at once leaves it
        File.Move(path, name);
        return name;
    }
}
