using System.Globalization;
using System.Text;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Vernier.Options;

/// <summary>YAML as settings need it: one document, names with one value each. Files come from strangers: nothing else is followed into, so nothing nests, no
/// anchor or alias is resolved, and reading takes time in proportion to the size.</summary>
internal static class YamlSettings
{
    /// <summary>Far more than all options take.</summary>
    public const int MaxBytes = 1 << 20;

    private const int MaxSettings = 1000;

    /// <summary>Reads names and values in the order of the file.</summary>
    /// <exception cref="InvalidDataException">Not YAML, a repeated name, or anything that is no name with one value: path and line.</exception>
    public static IReadOnlyList<YamlSetting> Read(string path, string text)
    {
        if (text.Length > MaxBytes)
            throw new InvalidDataException($"{path}: found {text.Length} characters, expected at most {MaxBytes}");
        var settings = new List<YamlSetting>();
        Parse(path, text, events =>
        {
            if (events.Current is StreamEnd)
                return;
            Expect<DocumentStart>(path, events, "a document");
            if (events.Current is Scalar { Value: "" }) // only comments
                events.MoveNext();
            else
                ReadMapping(path, events, settings);
            Expect<DocumentEnd>(path, events, "the end of the document");
            if (events.Current is not StreamEnd)
                throw Fault(path, events, "a second document", "one");
        });
        return settings;
    }

    /// <summary>The value that a text spells, as it would stand behind a name.</summary>
    /// <param name="line">Line that messages name.</param>
    /// <exception cref="InvalidDataException">Not one value.</exception>
    public static YamlSetting ReadValue(string path, string name, string text, long line = 1)
    {
        if (text.Length > MaxBytes)
            throw new InvalidDataException($"{path}: {name}: found {text.Length} characters, expected at most {MaxBytes}");
        // A plain value is itself: only quotes are taken off, so that no other YAML can be smuggled in.
        if (text.Length < 2 || text[0] is not ('\'' or '"') || text[^1] != text[0])
            return text.AsSpan().IndexOfAny('\r', '\n') < 0 ? new(name, text, IsPlain: true, line)
                : throw new InvalidDataException($"{path}: {name}: not valid: found several lines, expected one value");
        var value = "";
        Parse(path, text, events =>
        {
            Expect<DocumentStart>(path, events, "a value");
            value = ReadScalar(path, events, name).Value;
            Expect<DocumentEnd>(path, events, "one value");
        });
        return new(name, value, IsPlain: false, line);
    }

    /// <summary>A value as it is written behind a name: in quotes where plain YAML could be read as something else.</summary>
    public static string Quoted(string text)
    {
        if (text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_') && text is not ("null" or "true" or "false") && !text.StartsWith('-'))
            return text;
        if (!text.Any(NeedsEscape))
            return $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
        var quoted = new StringBuilder("\"");
        foreach (var c in text)
            if (c is '"' or '\\')
                quoted.Append('\\').Append(c);
            else if (NeedsEscape(c))
                quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
            else
                quoted.Append(c);
        return quoted.Append('"').ToString();
    }

    /// <summary>Control characters, and what YAML takes for the end of a line or a byte order mark.</summary>
    private static bool NeedsEscape(char c) => char.IsControl(c) || c is '\u2028' or '\u2029' or '\uFEFF' or '\uFFFE' or '\uFFFF';

    private static void ReadMapping(string path, IParser events, List<YamlSetting> settings)
    {
        if (events.Current is not MappingStart { Anchor.IsEmpty: true } start)
            throw Fault(path, events, Kind(events.Current), "names with values");
        if (!start.Tag.IsEmpty)
            throw Fault(path, events, $"the tag {start.Tag}", "none");
        events.MoveNext();
        var names = new HashSet<string>(StringComparer.Ordinal);
        while (events.Current is not MappingEnd)
        {
            var line = events.Current?.Start.Line ?? 0;
            var name = ReadScalar(path, events, "a name").Value;
            if (!names.Add(name))
                throw new InvalidDataException($"{path}: line {line}: {name} is given twice");
            if (settings.Count == MaxSettings)
                throw new InvalidDataException($"{path}: line {line}: more than {MaxSettings} names");
            if (events.Current is SequenceStart or MappingStart)
                throw new InvalidDataException($"{path}: line {events.Current.Start.Line}: not valid: {name} takes one value");
            var value = ReadScalar(path, events, name);
            settings.Add(new(name, value.Value, value.Style == ScalarStyle.Plain, line));
        }
        events.MoveNext();
    }

    private static Scalar ReadScalar(string path, IParser events, string what)
    {
        if (events.Current is not Scalar scalar)
            throw Fault(path, events, Kind(events.Current), what);
        if (!scalar.Anchor.IsEmpty)
            throw Fault(path, events, $"the anchor &{scalar.Anchor}", $"{what} without one");
        events.MoveNext();
        return scalar;
    }

    private static void Parse(string path, string text, Action<IParser> read)
    {
        try
        {
            var events = new Parser(new StringReader(text));
            events.MoveNext();
            Expect<StreamStart>(path, events, "YAML");
            read(events);
        }
        catch (YamlException e)
        {
            throw new InvalidDataException($"{path}: line {e.Start.Line}, column {e.Start.Column}: not valid YAML: {e.Message}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException($"{path}: not valid YAML: {e.Message}", e); // what the scanner does not name
        }
    }

    private static void Expect<T>(string path, IParser events, string expected)
        where T : ParsingEvent
    {
        if (events.Current is not T)
            throw Fault(path, events, Kind(events.Current), expected);
        events.MoveNext();
    }

    private static string Kind(ParsingEvent? found) => found switch
    {
        AnchorAlias alias => $"the alias *{alias.Value}",
        SequenceStart => "a list",
        MappingStart => "names with values",
        Scalar => "one value",
        _ => "the end",
    };

    private static InvalidDataException Fault(string path, IParser events, string found, string expected) =>
        new($"{path}: line {events.Current?.Start.Line ?? 1}: not valid: found {found}, expected {expected}");
}
