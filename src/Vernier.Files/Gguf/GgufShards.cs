using System.Globalization;
using System.Text.RegularExpressions;
using Vernier.Files.Disk;

namespace Vernier.Files.Gguf;

/// <summary>The files that one model was split into: PREFIX-00001-of-00003.gguf and so on, each saying by <c>split.no</c> and <c>split.count</c> which it is.</summary>
internal static partial class GgufShards
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
        if (count < 1)
            throw Damaged.File(path, "metadata", $"{Count} {count}", "1 or more: the writing of the split broke off before it was known");
        if (count == 1)
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

    /// <summary>Divides tensors among files as llama.cpp does: in order, a new file before the tensor that would make the data of one larger than
    /// <paramref name="most"/>. The first file has all metadata, each says which it is.</summary>
    /// <param name="path">The name that the whole file would have; <c>.gguf</c> at its end gives way to the numbers.</param>
    /// <param name="most">Bytes of tensors in a file. A tensor that is larger is alone in its own.</param>
    /// <exception cref="NotSupportedException">More files than can be counted.</exception>
    public static IReadOnlyList<GgufPart> Divide(string path, GgufMetadata metadata, IReadOnlyList<GgufTensorPlan> tensors, long most)
    {
        var alignment = GgufReader.ReadAlignment(path, metadata);
        var parts = new List<List<GgufTensorPlan>> { new() };
        var bytes = 0L;
        foreach (var tensor in tensors)
        {
            var length = GgufReader.Align(tensor.ByteLength, alignment);
            if (bytes + length > most && parts[^1].Count > 0)
            {
                parts.Add([]);
                bytes = 0;
            }
            parts[^1].Add(tensor);
            bytes += length;
        }
        if (parts.Count > ushort.MaxValue)
            throw new NotSupportedException($"{path}: {parts.Count} files would be written, at most {ushort.MaxValue} can be: give a larger size");
        var others = GgufMetadata.Of(metadata.Where(v => v.Key == GgufReader.AlignmentKey));
        return [.. parts.Select((part, i) => new GgufPart(NameOf(path, i, parts.Count), Numbered(i == 0 ? metadata : others, i, parts.Count, tensors.Count), part))];
    }

    /// <summary>The files that are there of a split that was written under the name of <paramref name="path"/>, whatever their count.</summary>
    public static IReadOnlyList<string> Existing(string path)
    {
        var (folder, stem) = (Path.GetDirectoryName(Path.GetFullPath(path))!, Path.GetFileName(Stem(path)));
        return !Directory.Exists(folder) ? [] : [.. Directory.EnumerateFiles(folder, "*.gguf")
            .Where(file => Path.GetFileName(file) is var name && name.StartsWith(stem, StringComparison.Ordinal) && NumberedEnding().IsMatch(name[stem.Length..])).Order(StringComparer.Ordinal)];
    }

    /// <summary>The name of one file of a split, from 0.</summary>
    public static string NameOf(string path, int number, int count) => Stem(path) + Ending(number, count);

    private static GgufMetadata Numbered(GgufMetadata metadata, int number, int count, int tensors) => metadata.Without(Keys)
        .With(GgufValue.OfUInt16(Number, (ushort)number), GgufValue.OfUInt16(Count, (ushort)count), GgufValue.OfInt32(Tensors, tensors));

    /// <summary>What stands before the numbers. A name that has them already, of a file that was split before, does not get them twice.</summary>
    private static string Stem(string path)
    {
        var stem = path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? path[..^5] : path;
        return NumberedEnding().Match(path) is { Success: true } match ? path[..match.Index] : stem;
    }

    [GeneratedRegex(@"-[0-9]{5}-of-[0-9]{5}\.gguf$", RegexOptions.CultureInvariant)]
    private static partial Regex NumberedEnding();

    private static string Ending(long number, long count) => string.Create(CultureInfo.InvariantCulture, $"-{number + 1:D5}-of-{count:D5}.gguf");

    private static InvalidDataException Alone(string path, long number, long count, string why) => new(
        $"{path}: a shard of a split file ({Number} {number} of {Count} {count}), and {why}; put all shards into one folder, or merge them with llama-gguf-split --merge");
}
