using System.Text.Json.Nodes;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

public class ChatTemplateTests
{
    private static readonly JsonObject Variables = JsonNode.Parse(JinjaCases.Variables)!.AsObject();

    public static TheoryData<int> Cases => [.. Enumerable.Range(0, JinjaCases.All.Length)];

    [Theory, MemberData(nameof(Cases))]
    public void WritesWhatJinjaWrites(int at)
    {
        var (source, expected) = JinjaCases.All[at];
        if (expected is null)
            Assert.Throws<TemplateException>(() => Render(source));
        else
            Assert.Equal(expected, Render(source));
    }

    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}")]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")]
    [InlineData("{% set ns = namespace(x='aaaaaaaaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}")]
    [InlineData("{% set ns = namespace(x=[1,2]) %}{% for i in range(60) %}{% set ns.x = ns.x + ns.x %}{% endfor %}")]
    [InlineData("{{ 'a' * 1000000000000 }}")]
    [InlineData("{{ [1] * 1000000000 }}")]
    [InlineData("{{ ('a' * 1000000).replace('a', 'b' * 1000000) }}")]
    [InlineData("{{ ('b' * 1000000).join(range(100000)|list) }}")]
    [InlineData("{% for i in range(100000) %}{{ 'a' * 1000 }}{% endfor %}")]
    [InlineData("{% set x = 'a' * 10000000 %}{% for i in range(100000) %}{% set y = x.upper() %}{% endfor %}")]
    [InlineData("{{ 99999999999999999999 }}")]
    [InlineData("{{ 9223372036854775807 + 1 }}")]
    [InlineData("{{ 9 ** 9 ** 9 }}")]
    [InlineData("{{ range(10000000) }}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|tojson }}")]
    [InlineData("{% include 'x' %}")]
    public void StopsWhatDoesTooMuch(string source) => Assert.Throws<TemplateException>(() => Render(source));

    [Fact]
    public void StopsWhatNestsTooDeep()
    {
        foreach (var (open, close) in new[] { ("(", ")"), ("[", "]"), ("-", ""), ("not ", ""), ("{'a':", "}") })
            Assert.Throws<TemplateException>(() => Render("{{ " + string.Concat(Enumerable.Repeat(open, 100_000)) + "1" + string.Concat(Enumerable.Repeat(close, 100_000)) + " }}"));
        Assert.Throws<TemplateException>(() => Render(string.Concat(Enumerable.Repeat("{% if true %}", 100_000))));
        Assert.Throws<TemplateException>(() => Render("{{ 1" + string.Concat(Enumerable.Repeat(" + 1", 100_000)) + " }}"));
        Assert.Throws<TemplateException>(() => Render("{{ s" + string.Concat(Enumerable.Repeat(".a", 100_000)) + " }}"));
        Assert.Throws<TemplateException>(() => Render("{{ s" + string.Concat(Enumerable.Repeat("|trim", 100_000)) + " }}"));
    }

    [Fact]
    public void ErrorsTellTheLine()
    {
        Assert.Equal(3, Assert.Throws<TemplateException>(() => Render("a\nb\n{{ 1 < 'a' }}")).Line);
        Assert.Equal(2, Assert.Throws<TemplateException>(() => Render("a\n{{ 1 + }}")).Line);
        var raised = Assert.Throws<TemplateException>(() => Render("\n{{ raise_exception('Only this.') }}"));
        Assert.Equal(("Only this.", 2), (raised.Message, raised.Line));
    }

    [Fact]
    public void TellsTheTime()
    {
        var template = ChatTemplate.Parse("{{ strftime_now('%d %B %Y, %b %a %H:%M %j %-d%%') }}", new StoppedClock());
        Assert.Equal("05 July 2024, Jul Fri 09:08 187 5%", template.Render([], false));
    }

    [Fact]
    public void MessagesCarryWhatElseTheyHold()
    {
        var message = ChatMessage.FromJson(JsonNode.Parse(
            """{"role":"assistant","content":null,"tool_calls":[{"function":{"name":"f","arguments":{"x":1}}}]}""")!.AsObject());
        var template = ChatTemplate.Parse(
            "{% for m in messages %}{{ m.role }}{% if m.tool_calls %}{% for c in m.tool_calls %} {{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}{% endif %}{% endfor %}");
        Assert.Equal("assistant f{\"x\": 1}", template.Render([message], false));
    }

    private static string Render(string source) =>
        ChatTemplate.Parse(source).Render([], false, extra: Variables.ToDictionary(pair => pair.Key, pair => pair.Value));

    private sealed class StoppedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 7, 5, 9, 8, 7, TimeSpan.Zero);
    }
}
