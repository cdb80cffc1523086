namespace Vernier.Options;

/// <summary>A name and its value.</summary>
/// <param name="IsPlain">The value stands without quotes, so that it may mean null.</param>
/// <param name="Line">Line of the file, from 1.</param>
internal readonly record struct YamlSetting(string Name, string Value, bool IsPlain, long Line);
