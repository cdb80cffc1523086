using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Vernier.Cli.Tests;

/// <summary>A type of a compiled project, with the folder of its source (relative to the project; <c>.</c> for the project's own).</summary>
internal sealed record SourceType(string Name, string Namespace, string Folder);

/// <summary>One type mentions another: in a field, a signature, a body, an attribute, a generic argument or as what it derives from.</summary>
internal sealed record Mention(SourceType From, SourceType To)
{
    public override string ToString() => $"{From.Name} -> {To.Name}";
}

/// <summary>
/// The types of a compiled project and whom each mentions, read from the assembly's metadata and instructions. Its portable PDB says which file each type is from.
/// Nested and compiler-made types (lambdas, iterators) count as the type that holds them.
/// </summary>
internal sealed class FolderGraph
{
    private readonly string _project;
    private readonly MetadataReader _symbols;
    private readonly Dictionary<TypeDefinitionHandle, SourceType> _types = [];

    private FolderGraph(string project, PEReader assembly, MetadataReader symbols)
    {
        _project = project;
        _symbols = symbols;
        var metadata = assembly.GetMetadataReader();
        foreach (var handle in metadata.TypeDefinitions)
            if (metadata.GetTypeDefinition(handle).GetDeclaringType().IsNil && Folder(metadata, handle) is { } folder)
                _types[handle] = new SourceType(Name(metadata, handle), metadata.GetString(metadata.GetTypeDefinition(handle).Namespace), folder);
        Mentions = Walk(assembly, metadata);
    }

    /// <summary>The project's own types, without nested ones.</summary>
    public IReadOnlyCollection<SourceType> Types => _types.Values;

    /// <summary>Every mention between two types of the project, once, in order of their names.</summary>
    public IReadOnlyList<Mention> Mentions { get; }

    /// <summary>The mentions that cross from one folder to another, the first of each pair.</summary>
    public IReadOnlyDictionary<(string From, string To), Mention> Arrows =>
        Mentions.Where(m => m.From.Folder != m.To.Folder).GroupBy(m => (m.From.Folder, m.To.Folder)).ToDictionary(g => g.Key, g => g.First());

    public static FolderGraph Of(string project)
    {
        var path = System.Reflection.Assembly.Load(project).Location;
        using var assembly = new PEReader(File.OpenRead(path));
        using var symbols = MetadataReaderProvider.FromPortablePdbStream(File.OpenRead(Path.ChangeExtension(path, ".pdb")));
        return new FolderGraph(project, assembly, symbols.GetMetadataReader());
    }

    /// <summary>The shortest chain of mentions from one folder to another, an arrow a step; empty if none leads there.</summary>
    public IReadOnlyList<Mention> Chain(string from, string to)
    {
        var arrows = Arrows;
        var reachedBy = new Dictionary<string, Mention>();
        var open = new Queue<string>([from]);
        while (open.TryDequeue(out var folder) && !reachedBy.ContainsKey(to))
            foreach (var (_, mention) in arrows.Where(a => a.Key.From == folder).OrderBy(a => a.Key.To, StringComparer.Ordinal))
                if (mention.To.Folder != from && reachedBy.TryAdd(mention.To.Folder, mention))
                    open.Enqueue(mention.To.Folder);
        var chain = new List<Mention>();
        for (var folder = to; reachedBy.TryGetValue(folder, out var mention); folder = mention.From.Folder)
            chain.Insert(0, mention);
        return chain;
    }

    private List<Mention> Walk(PEReader assembly, MetadataReader metadata)
    {
        var found = new HashSet<Mention>();
        foreach (var handle in metadata.TypeDefinitions)
            if (_types.TryGetValue(TypeMentions.Outermost(metadata, handle), out var from))
                foreach (var mentioned in new TypeMentions(assembly, metadata).Of(handle))
                    if (_types.TryGetValue(mentioned, out var to) && to != from)
                        found.Add(new Mention(from, to));
        return [.. found.OrderBy(m => m.From.Name, StringComparer.Ordinal).ThenBy(m => m.To.Name, StringComparer.Ordinal)];
    }

    /// <summary>Where the type's source is, or null for what the compiler made for the whole assembly.</summary>
    private string? Folder(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        var marker = $"/src/{_project}/";
        foreach (var path in Documents(metadata, handle).Select(d => _symbols.GetString(_symbols.GetDocument(d).Name).Replace('\\', '/')))
            if (path.LastIndexOf(marker, StringComparison.Ordinal) is >= 0 and var at && path[(at + marker.Length)..] is var file && !file.StartsWith("obj/", StringComparison.Ordinal))
                return file.LastIndexOf('/') is > 0 and var end ? file[..end] : ".";
        return null;
    }

    /// <summary>Documents of the type's methods, then those noted for types without any.</summary>
    private IEnumerable<DocumentHandle> Documents(MetadataReader metadata, TypeDefinitionHandle handle)
    {
        foreach (var method in metadata.GetTypeDefinition(handle).GetMethods())
            if (_symbols.GetMethodDebugInformation(method) is { Document.IsNil: false } information)
                yield return information.Document;
        foreach (var information in _symbols.GetCustomDebugInformation(handle).Select(_symbols.GetCustomDebugInformation).Where(i => _symbols.GetGuid(i.Kind) == TypeDocuments))
        {
            var rows = _symbols.GetBlobReader(information.Value);
            while (rows.RemainingBytes > 0)
                yield return MetadataTokens.DocumentHandle(rows.ReadCompressedInteger());
        }
        foreach (var nested in metadata.GetTypeDefinition(handle).GetNestedTypes().SelectMany(n => Documents(metadata, n)))
            yield return nested;
    }

    /// <summary>"Type definition documents" of the portable PDB format.</summary>
    private static readonly Guid TypeDocuments = new("932E74BC-DBA9-4478-8D46-0F32A7BAB3D3");

    private static string Name(MetadataReader metadata, TypeDefinitionHandle handle) => metadata.GetString(metadata.GetTypeDefinition(handle).Name).Split('`')[0];
}
