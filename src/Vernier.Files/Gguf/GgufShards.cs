using System.Globalization;
using Vernier.Files.Disk;

namespace Vernier.Files.Gguf;

/// <summary>The files that one model was split into: PREFIX-00001-of-00003.gguf and so on, each saying by <c>split.no</c> and <c>split.count</c> which it is.</summary>
internal static class GgufShards
{
    private const string Number = "split.no";
    private const string Count = "split.count";
    private const string Tensors = "split.tensors.count";

    /// <summary>Keys that only a shard has.</summary>
    public static IReadOnlyList<string> Keys { get; } = [Number, Count, Tensors];

    /// <summary>The paths of all shards in order; null where the file is whole.</summary>
    /// <exception cref="InvalidDataException">A shard whose siblings are not beside it.</exception>
    public static string[]? Find(string path, GgufMetadata metadata)
    {
        var count = metadata.FindInteger(Count) ?? 1;
        if (count <= 1)
            return null;
        var number = metadata.FindInteger(Number) ?? 0;
        if (number < 0 || number >= count || count > ushort.MaxValue)
            throw Damaged.File(path, "metadata", $"{Number} {number} of {Count} {count}", $"a number below {Count}");
        var ending = Ending(number, count);
        if (!path.EndsWith(ending, StringComparison.Ordinal))
            throw Alone(path, number, count, $"its name does not end in '{ending}', so the others cannot be found by their names");
        var prefix = path[..^ending.Length];
        var paths = Enumerable.Range(0, (int)count).Select(i => prefix + Ending(i, count)).ToArray();
        if (paths.FirstOrDefault(p => !File.Exists(p)) is { } missing)
            throw Alone(path, number, count, $"'{Path.GetFileName(missing)}' is not beside it");
        return paths;
    }

    /// <summary>Refuses files that are not the shards of one model.</summary>
    public static void Check(IReadOnlyList<string> paths, IReadOnlyList<GgufHeader> headers)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < headers.Count; i++)
        {
            var metadata = headers[i].Metadata;
            if (metadata.FindInteger(Number) != i || metadata.FindInteger(Count) != headers.Count)
                throw Damaged.File(paths[i], "metadata", $"{Number} {metadata.FindInteger(Number)} of {Count} {metadata.FindInteger(Count)}", $"{i} of {headers.Count}, by the file's name");
            if (headers[i].Tensors.FirstOrDefault(t => !names.Add(t.Name)) is { } twice)
                throw Damaged.File(paths[i], $"tensor '{twice.Name}'", "the name a second time", "every name in one shard");
        }
        if (headers[0].Metadata.FindInteger(Tensors) is { } expected && expected != names.Count)
            throw Damaged.File(paths[0], "metadata", $"{Tensors} {expected}", $"{names.Count}, the tensors of all shards");
    }

    private static string Ending(long number, long count) => string.Create(CultureInfo.InvariantCulture, $"-{number + 1:D5}-of-{count:D5}.gguf");

    private static InvalidDataException Alone(string path, long number, long count, string why) => new(
        $"{path}: a shard of a split file ({Number} {number} of {Count} {count}), and {why}; put all shards into one folder, or merge them with llama-gguf-split --merge");
}
