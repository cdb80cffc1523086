using System.Globalization;
using System.Reflection;
using Vernier.Cards;

namespace Vernier.Tuning;

/// <summary>A tuning run written down: YAML with the names of the command line, <c>model</c>, <c>data</c>, <c>eval-data</c>, <c>out</c>
/// and every option of <see cref="TuneOptions"/>. A name that is not known is an error.</summary>
internal sealed record RunFile
{
    private static readonly (string Name, PropertyInfo Property)[] OptionsByName =
        [.. typeof(TuneOptions).GetProperties().Select(p => (p.GetCustomAttribute<OptionAttribute>()?.Name, p)).Where(o => o.Name is not null).Select(o => (o.Name!, o.p))];

    /// <summary>Path of the model.</summary>
    public string? Model { get; init; }

    /// <summary>Path of the training data.</summary>
    public string? Data { get; init; }

    /// <summary>Path of the validation data.</summary>
    public string? EvalData { get; init; }

    /// <summary>The folder that the run writes.</summary>
    public string? Output { get; init; }

    /// <summary>The options; those that the file does not set have their defaults.</summary>
    public TuneOptions Options { get; init; } = new();

    /// <summary>Names of the options that the file sets, in its order.</summary>
    public IReadOnlyList<string> Set { get; init; } = [];

    /// <summary>Reads a run file.</summary>
    /// <exception cref="InvalidDataException">Not YAML, an unknown or repeated name, or a value of the wrong kind or out of its range: path and line.
    /// The inner exception of the last two is a <see cref="FormatException"/>: it was not the file that was damaged, but what it asks for.</exception>
    public static RunFile Load(string path) => Parse(path, Files.Disk.InputFile.ReadAllText(path, YamlSettings.MaxBytes));

    /// <summary>Writes all options, also those that are at their defaults.</summary>
    public void Save(string path) => Files.Disk.OutputFile.WriteAllText(path, ToYaml());

    /// <summary>The file's text; <see cref="Load"/> gives the same record back, but for absolute paths outside the current folder: a run's folder is made to be
    /// shared, so of them the name is left, in a comment.</summary>
    public string ToYaml()
    {
        var text = new System.Text.StringBuilder();
        foreach (var (name, value) in ((string, string?)[])[("model", Model), ("data", Data), ("eval-data", EvalData), ("out", Output)])
            if (PublicPath.Of(value) is { } path)
                text.Append(CultureInfo.InvariantCulture, $"{name}: {YamlSettings.Quoted(path)}\n");
            else if (!string.IsNullOrEmpty(value))
                text.Append(CultureInfo.InvariantCulture, $"# {name}: {YamlSettings.Quoted(PublicPath.Name(value))} (elsewhere on the machine: name it on the command line)\n");
        foreach (var (name, value) in Values(Options))
            text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\n");
        return text.ToString();
    }

    /// <summary>Every option that has a value, as it is spelled in a run file.</summary>
    public static IEnumerable<(string Name, string Value)> Values(TuneOptions options)
    {
        foreach (var (name, property) in OptionsByName)
            if (property.GetValue(options) is { } value)
                yield return (name, Spelled(value));
    }

    internal static RunFile Parse(string path, string text) => Of(path, YamlSettings.Read(path, text));

    /// <summary>The run file that some settings make.</summary>
    /// <exception cref="InvalidDataException">An unknown name, or a value of the wrong kind: path and line.</exception>
    internal static RunFile Of(string path, IReadOnlyList<YamlSetting> settings)
    {
        var options = new TuneOptions();
        var paths = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var setting in settings)
        {
            if (setting.Name is "model" or "data" or "eval-data" or "out")
                paths[setting.Name] = setting.Value;
            else if (Array.Find(OptionsByName, o => o.Name == setting.Name).Property is { } property)
                property.SetValue(options, Value(path, setting, property));
            else
                throw Unknown($"{path}: line {setting.Line}", setting.Name);
        }
        return new RunFile
        {
            Model = paths.GetValueOrDefault("model"),
            Data = paths.GetValueOrDefault("data"),
            EvalData = paths.GetValueOrDefault("eval-data"),
            Output = paths.GetValueOrDefault("out"),
            Options = options,
            Set = [.. settings.Select(s => s.Name)],
        };
    }

    private static InvalidDataException Unknown(string place, string name)
    {
        string[] known = ["model", "data", "eval-data", "out", .. OptionsByName.Select(o => o.Name)];
        var message = $"{place}: unknown option {name}{(Suggestion.Nearest(name, known) is { } near ? $"; did you mean '{near}'?" : $"; known are {string.Join(", ", known)}")}";
        return new InvalidDataException(message, new FormatException(message));
    }

    private static object? Value(string path, YamlSetting setting, PropertyInfo property)
    {
        var type = property.PropertyType;
        var nullable = Nullable.GetUnderlyingType(type);
        if (setting is { IsPlain: true, Value: "" or "null" or "~" } && (nullable is not null || !type.IsValueType))
            return null;
        try
        {
            return OptionValue.Parse(property, setting.Value, setting.Name);
        }
        catch (FormatException e)
        {
            throw new InvalidDataException($"{path}: line {setting.Line}: {e.Message}", e);
        }
    }

    private static string Spelled(object value) => value switch
    {
        bool b => b ? "true" : "false",
        Enum e => OptionValue.NameOf(e),
        string s => YamlSettings.Quoted(s),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };
}
