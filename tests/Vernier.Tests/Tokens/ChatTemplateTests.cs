using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Tokens;
using Vernier.Tokens.Templates;

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
    [InlineData("{{ 9 ** (9 ** 9) }}")]
    [InlineData("{{ range(10000000) }}")]
    [InlineData("{% set ns = namespace(x=[]) %}{% for i in range(5000) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x|tojson }}")]
    [InlineData("{% include 'x' %}")]
    [InlineData("{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(20000) %}{% set ns.s = [ns.s] %}{% set ns.t = [ns.t] %}{% endfor %}{{ ns.s == ns.t }}")]
    [InlineData("{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(20000) %}{% set ns.s = [ns.s] %}{% set ns.t = [ns.t] %}{% endfor %}{{ ns.s < ns.t }}")]
    [InlineData("{% set ns = namespace(s=[1], t=[1]) %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] %}{% set ns.t = [ns.t, ns.t] %}{% endfor %}{{ ns.s == ns.t }}")]
    [InlineData("{% set ns = namespace(s={}, t={}) %}{% for i in range(40) %}{% set ns.s = {1: ns.s, 2: ns.s} %}{% set ns.t = {1: ns.t, 2: ns.t} %}{% endfor %}{{ ns.s in [ns.t] }}")]
    [InlineData("{% set ns = namespace(s=(1,)) %}{% for i in range(20000) %}{% set ns.s = (ns.s,) %}{% endfor %}{{ {ns.s: 1} }}")]
    [InlineData("{% set ns = namespace(s=(1,)) %}{% for i in range(40) %}{% set ns.s = (ns.s, ns.s) %}{% endfor %}{{ {ns.s: 1} }}")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s | pprint }}")]
    [InlineData("{% set ns = namespace(s=[]) %}{% for i in range(20000) %}{% set ns.s = ns.s | map('string') %}{% endfor %}{{ ns.s | list }}")]
    [InlineData("{% set ns = namespace(s=[1]) %}{% for i in range(20000) %}{% set ns.s = ns.s | map('string') %}{% endfor %}{{ ns.s | list }}")]
    [InlineData("{% set s = 'x' * 16000000 %}{% for i in range(90000) %}{% if 'y' in s %}{% endif %}{% endfor %}")]
    [InlineData("{% set a = 'x' * 16000000 %}{% set b = 'x' * 16000000 %}{% for i in range(90000) %}{% if a == b %}{% endif %}{% endfor %}")]
    [InlineData("{% set a = 'x' * 16000000 %}{% set b = 'x' * 16000000 %}{% for i in range(90000) %}{% if a < b %}{% endif %}{% endfor %}")]
    [InlineData("{% set a = 'a' * 8000000 %}{% set b = 'a' * 4000000 ~ 'b' %}{% for i in range(900) %}{{ a.find(b) }}{{ a.rfind(b) }}{{ a.count(b) }}{% endfor %}")]
    [InlineData("{% set a = ('a' * 1000) %}{% set l = [a] * 100000 %}{% for i in range(100000) %}{% set x = (a ~ 'b') in l %}{% endfor %}")]
    [InlineData("{% set l = range(100000) | list %}{% for i in range(100000) %}{% set x = l + l %}{% endfor %}")]
    [InlineData("{% set l = range(100000) | list %}{% for i in range(100000) %}{% set x = l | sort %}{% endfor %}")]
    [InlineData("{% set l = range(100000) | list %}{% for i in range(100000) %}{% set x = l[::-1] %}{% endfor %}")]
    [InlineData("{% for i in range(100000) %}{% set x = 'a'.center(100000) %}{% endfor %}")]
    [InlineData("{{ '%999999999d' % 1 }}")]
    [InlineData("{{ '{:999999999}'.format(1) }}")]
    [InlineData("{{ '%.999999999f' % 1.5 }}")]
    [InlineData("{{ '%*d' % (999999999, 1) }}")]
    [InlineData("{{ 'a\n' * 1000000 | indent(1000000) }}")]
    [InlineData("{{ ('a\n' * 1000000) | indent(1000000) }}")]
    [InlineData("{{ [1] | batch(1000000000, 2) | list }}")]
    [InlineData("{{ [1] | slice(1000000000) | list }}")]
    [InlineData("{{ {'a': 1} | tojson(indent=1000000000) | length + 'x' }}")]
    [InlineData("{{ ('\t' * 100000).expandtabs(1000000) }}")]
    [InlineData("{% set ns = namespace(x=3) %}{% for i in range(60) %}{% set ns.x = ns.x * ns.x %}{% endfor %}")]
    [InlineData("{{ 2 ** 99999999999 }}")]
    [InlineData("{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}")]
    [InlineData("{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}")]
    [InlineData("{% set ns = namespace() %}{% set ns.a = ns %}{{ ns | tojson }}")]
    [InlineData("{{ [1, 'a', none, []] | sort }}")]
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
    public void KeepsToTheRecord()
    {
        const string Show = "{% for m in messages %}[{{ m }}|{{ m.content }}|{{ 'content' in m }}|{{ m.content is none }}|{{ m.content is defined }}]{% endfor %}";
        string Of(string json) => ChatTemplate.Parse(Show).Render([ChatMessage.FromJson(JsonNode.Parse(json)!.AsObject())], false);
        Assert.Equal("[{'content': None, 'role': 'a', 'x': [None]}|None|True|True|True]", Of("""{"content":null,"role":"a","x":[null]}"""));
        Assert.Equal("[{'role': 'a'}||False|False|False]", Of("""{"role":"a"}"""));
        Assert.Equal("[{'x': 1, 'role': 'a', 'content': 'c'}|c|True|False|True]", Of("""{"x":1,"role":"a","content":"c"}"""));
        Assert.Equal("[{'role': 'a', 'content': [{'text': 't'}]}|[{'text': 't'}]|True|False|True]", Of("""{"role":"a","content":[{"text":"t"}]}"""));
        Assert.Equal("[{'role': 'a', 'content': None}|None|True|True|True]", ChatTemplate.Parse(Show).Render([new ChatMessage("a", null)], false));
    }

    [Fact]
    public void ReadsMessagesAsPythonReadsJson()
    {
        string Of(string json) => ChatTemplate.Parse("{{ messages[0] }}").Render([ChatMessage.FromJson(JsonDocument.Parse(json).RootElement)], false);
        Assert.Equal("{'role': 'b', 'x': {'y': 2}}", Of("""{"role":"a","x":{"y":1,"y":2},"role":"b"}"""));
        Assert.Equal("{'role': 'a', 'x': 'u\ufffd\\nv', '\ufffd': '😀'}", Of("""{"role":"a","x":"u\ud83d\nv","\udc00":"\ud83d\ude00"}"""));
        Assert.Equal("{'role': 'a', 'n': [123456789012345678901234567890, -0.0, 0, 1.0, 1e+16, inf]}", Of("""{"role":"a","n":[123456789012345678901234567890,-0.0,-0,1.0,1e16,1e999]}"""));
        Assert.Throws<InvalidDataException>(() => Of("""{"content":"c"}"""));
        Assert.Throws<InvalidDataException>(() => Of("[]"));
    }

    [Fact]
    public void WhatIsNotGivenIsNoneOrUndefined()
    {
        var template = ChatTemplate.Parse(
            "{{ tools }}{{ documents }}{{ tools is not none }}{{ bos_token is defined }}{{ eos_token }}{{ pad_token is defined }}{{ enable_thinking is defined }}",
            specialTokens: new Dictionary<string, JsonNode?> { ["pad_token"] = "<pad>", ["bos_token"] = null });
        Assert.Equal("NoneNoneFalseFalse</s>TrueFalse", template.Render([], false, eosToken: "</s>"));
        Assert.Equal("[]NoneTrueTrueTrueTrue", template.Render([], false, bosToken: "<s>", extra: new Dictionary<string, JsonNode?> { ["tools"] = new JsonArray(), ["enable_thinking"] = false }));
    }

    [Fact]
    public void ToolsHaveATemplateOfTheirOwnWhereThereIsOne()
    {
        var template = ChatTemplate.Parse("plain", toolSource: "{{ tools | length }} tools");
        Assert.Equal("plain", template.Render([], false));
        Assert.Equal("plain", template.Render([], false, extra: new Dictionary<string, JsonNode?> { ["tools"] = null }));
        Assert.Equal("1 tools", template.Render([], false, extra: new Dictionary<string, JsonNode?> { ["tools"] = new JsonArray(1) }));
    }

    [Fact]
    public void SpecialTokensComeFromTheConfiguration()
    {
        var folder = Directory.CreateTempSubdirectory("vernier-template-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer.json"),
                """{"model":{"type":"BPE","vocab":{"a":0,"</s>":1},"merges":[]},"added_tokens":[{"id":1,"content":"</s>","special":true}]}""");
            File.WriteAllText(Path.Combine(folder.FullName, "tokenizer_config.json"), """
                {"bos_token":null,"eos_token":{"content":"</s>"},"pad_token":"<pad>","additional_special_tokens":["<x>","<y>"],"extra_special_tokens":{"image_token":"<img>"},
                "chat_template":[{"name":"default","template":"{{ bos_token is defined }} {{ eos_token }} {{ pad_token }} {{ additional_special_tokens }} {{ image_token }}"},{"name":"tool_use","template":"T"}]}
                """);
            var loaded = TokenizerLoader.FromFolder(folder.FullName)!;
            var template = loaded.ParseChatTemplate()!;
            Assert.Equal("False </s> <pad> ['<x>', '<y>'] <img>", template.Render([], false, loaded.Tokenizer));
            Assert.Equal("T", template.Render([], false, loaded.Tokenizer, new Dictionary<string, JsonNode?> { ["tools"] = new JsonArray() }));
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public void FailsWhenReachedNotBefore()
    {
        Assert.Equal("ok", Render("{% if false %}{{ 'x' | from_json }}{{ 1 is nosuch }}{% include 'x' %}{% import 'x' as y %}{% endif %}ok"));
        Assert.Contains("from_json", Assert.Throws<TemplateException>(() => Render("{{ 'x' | from_json }}")).Message);
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
