using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Tokens;
using Vernier.Tokens.Templates;

namespace Vernier.Tests.Tokens;

/// <summary>Templates beside what Jinja2 3.1 makes of them in a chat template's sandbox; scripts/jinja_table.py wrote the texts.</summary>
public class JinjaTableTests
{
    private static readonly JsonElement[] Lines = Read();

    [Fact]
    public void WritesWhatJinjaWrites()
    {
        var variables = Variables();
        var differences = new List<string>();
        foreach (var line in Lines.Skip(1))
        {
            var (template, expected) = (line.GetProperty("template").GetString()!, line.GetProperty("text").GetString());
            string? found;
            try
            {
                found = ChatTemplate.Parse(template).Render([], false, extra: variables);
            }
            catch (TemplateException e) when (e.InnerException is null)
            {
                found = null;
            }
            if (found != expected)
                differences.Add($"{template}: expected {expected ?? "an error"}, found {found ?? "an error"}");
        }
        Assert.Empty(differences);
        Assert.True(Lines.Length > 1500);
    }

    /// <summary>Whatever is cut out of a template, put in or exchanged, nothing but a <see cref="TemplateException"/> comes out.</summary>
    [Fact]
    public void BrokenTemplatesFailAsTemplates()
    {
        var random = new Random(7);
        var variables = Variables();
        string[] parts = ["{{", "}}", "{%", "%}", "|", "(", ")", "[", "]", "{", "'", "\"", "\\", "-", "+", "*", "**", "~", ".", ",", ":", "=", "\n", "0", "9", "é", "😀", "\ud800", "\0", " if ", " is ", " in ", "not ", "none", "loop", "x"];
        for (var round = 0; round < 4000; round++)
        {
            var template = Lines[random.Next(1, Lines.Length)].GetProperty("template").GetString()!;
            for (var change = random.Next(1, 4); change > 0; change--)
            {
                var at = random.Next(template.Length + 1);
                var end = Math.Min(template.Length, at + random.Next(3));
                template = template[..at] + (random.Next(3) == 0 ? "" : parts[random.Next(parts.Length)]) + template[end..];
            }
            try
            {
                Assert.NotNull(ChatTemplate.Parse(template).Render([], false, extra: variables));
            }
            catch (TemplateException e)
            {
                Assert.True(e.InnerException is null, $"{template}: {e.InnerException}");
            }
        }
    }

    private static Dictionary<string, JsonNode?> Variables() => Lines[0].GetProperty("variables").EnumerateObject().ToDictionary(
        member => member.Name,
        member => member.Value.ValueKind switch
        {
            JsonValueKind.Null => null,
            JsonValueKind.Object => JsonObject.Create(member.Value),
            JsonValueKind.Array => JsonArray.Create(member.Value),
            _ => (JsonNode?)JsonValue.Create(member.Value),
        });

    private static JsonElement[] Read()
    {
        using var stream = typeof(JinjaTableTests).Assembly.GetManifestResourceStream("jinja-table.jsonl")!;
        using var reader = new StreamReader(stream);
        return [.. reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement)];
    }
}
