using System.Text.Json;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

/// <summary>Which part of a rendered conversation is the assistant's, whatever the template does to the messages around it.</summary>
public class ChatTrainingTests
{
    private const string Calls = "{% for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }}({{ c.function.arguments | tojson }})</tool_call>{% endfor %}";
    private const string ChatMl = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + (m.content or '') }}" + Calls + "{{ '<|im_end|>\\n' }}{% endfor %}";
    private const string Opening = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

    /// <summary>Thoughts stay in turns behind the last question only; the last turn has an empty one where there is none.</summary>
    private const string Thinking = """
        {%- set ns = namespace(last=0) %}{% for m in messages %}{% if m.role == 'user' %}{% set ns.last = loop.index0 %}{% endif %}{% endfor %}
        {%- for m in messages %}{{ '<|im_start|>' + m.role + '\n' }}
        {%- if m.role == 'assistant' and loop.index0 > ns.last %}{{ '<think>\n' + (m.reasoning_content or '') + '\n</think>\n\n' }}{% endif %}{{ m.content or '' }}
        {%- for c in m.tool_calls or [] %}<tool_call>{{ c.function.name }}</tool_call>{% endfor %}{{ '<|im_end|>\n' }}{% endfor %}
        """ + Opening;

    /// <summary>No opening of a turn, the system text goes into the last question, roles must alternate unless a turn calls tools, contents are stripped.</summary>
    private const string Instruct = """
        {%- set sys = '' %}{% if messages[0].role == 'system' %}{% set sys = messages[0].content + '\n\n' %}{% set messages = messages[1:] %}{% endif %}
        {%- set ns = namespace(n=0) %}{% for m in messages %}{% if m.role == 'user' or m.role == 'assistant' and m.tool_calls is not defined %}
        {%- if (m.role == 'user') != (ns.n % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% set ns.n = ns.n + 1 %}{% endif %}{% endfor %}
        {{- bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ (sys if loop.last or loop.index0 == messages | length - 2) ~ m.content | trim }}[/INST]
        {%- elif m.role == 'tool' %}[TOOL_RESULTS] {{ m.content }}[/TOOL_RESULTS]
        {%- elif m.tool_calls is defined %}[TOOL_CALLS] {% for c in m.tool_calls %}{{ c.function.name }}{{ c.function.arguments | tojson }}{% endfor %}</s>
        {%- else %} {{ m.content | trim }}</s>{% endif %}{% endfor %}
        """;

    private const string AlwaysOpen = "{% for m in messages %}{{ '<|' + m.role + '|>' + m.content + '<|end|>' }}{% endfor %}<|assistant|>";
    private const string EndOfMessage = "{% for m in messages %}{{ '<|' + m.role + '|>' }}{% if m.tool_calls %}<|python|>{{ m.tool_calls[0].function.name }}<|eom_id|>{% else %}{{ m.content }}<|eot_id|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";
    private const string DefaultSystem = "{% if messages[0].role != 'system' %}<|im_start|>system\nBe kind.<|im_end|>\n{% endif %}" + ChatMl + Opening;

    private const string ToolChat = """
        [{"role":"user","content":"time?"},
         {"role":"assistant","content":null,"tool_calls":[{"type":"function","function":{"name":"clock","arguments":{"zone":"CET"}}}]},
         {"role":"tool","content":"12:00"},
         {"role":"assistant","content":"noon"},
         {"role":"user","content":"thanks"},
         {"role":"assistant","content":" welcome "}]
        """;

    private const string ThoughtChat = """
        [{"role":"user","content":"a"},{"role":"assistant","reasoning_content":"hm","content":"b"},
         {"role":"user","content":"c"},{"role":"assistant","reasoning_content":"mh","content":null,"tool_calls":[{"function":{"name":"f","arguments":{}}}]},
         {"role":"tool","content":"r"},{"role":"assistant","content":"d"}]
        """;

    public static TheoryData<string, string, string[]> Cases => new()
    {
        { ChatMl, ToolChat, ["<tool_call>clock({\"zone\": \"CET\"})</tool_call><|im_end|>", "noon<|im_end|>", " welcome <|im_end|>"] },
        { ChatMl + Opening, ToolChat, ["<tool_call>clock({\"zone\": \"CET\"})</tool_call><|im_end|>", "noon<|im_end|>", " welcome <|im_end|>"] },
        { DefaultSystem, ToolChat, ["<tool_call>clock({\"zone\": \"CET\"})</tool_call><|im_end|>", "noon<|im_end|>", " welcome <|im_end|>"] },
        { EndOfMessage, ToolChat, ["<|python|>clock<|eom_id|>", "noon<|eot_id|>", " welcome <|eot_id|>"] },
        { Instruct, ToolChat, ["[TOOL_CALLS] clock{\"zone\": \"CET\"}</s>", " noon</s>", " welcome</s>"] },
        { Thinking, ThoughtChat, ["b<|im_end|>", "<think>\nmh\n</think>\n\n<tool_call>f</tool_call><|im_end|>", "<think>\n\n</think>\n\nd<|im_end|>"] },
        { Instruct, """[{"role":"system","content":"Be brief."},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"b"},{"role":"assistant","content":"b"}]""", [" b</s>", " b</s>"] },
        { AlwaysOpen, """[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"},{"role":"assistant","content":"d"}]""", ["b<|end|>", "d<|end|>"] },
        { ChatMl, """[{"role":"assistant","content":"hello"},{"role":"user","content":"hello"},{"role":"assistant","content":""}]""", ["hello<|im_end|>", "<|im_end|>"] },
        { ChatMl, """[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"assistant","content":"c"}]""", ["b<|im_end|>", "c<|im_end|>"] },
        { ChatMl, """[{"role":"user","content":"a"},{"role":"assistant","content":"bad","weight":0},{"role":"user","content":"a"},{"role":"assistant","content":"b"}]""", ["b<|im_end|>"] },
        { ChatMl, """[{"role":"user","content":"a"},{"role":"assistant","content":"bad","train":false},{"role":"user","content":"a"},{"role":"assistant","content":"b","training":true}]""", ["b<|im_end|>"] },
        { ChatMl, """[{"from":"human","value":"a"},{"from":"gpt","value":"b","weight":1},{"from":"human","value":"c"},{"from":"gpt","value":"d"}]""", ["b<|im_end|>", "d<|im_end|>"] },
        { ChatMl, """[{"role":"user","content":"a"},{"role":"model","content":"b"}]""", ["b<|im_end|>"] },
    };

    [Theory, MemberData(nameof(Cases))]
    public void The_replies_and_the_ends_of_their_turns_are_marked(string template, string messages, string[] replies)
    {
        var words = new MarkedTokenizer();
        var (ids, isReply) = Encode(template, messages, words);
        Assert.Equal(replies, Runs(words, ids, isReply));
    }

    [Fact]
    public void A_reply_that_is_taken_off_is_marked_apart()
    {
        var words = new MarkedTokenizer();
        var chat = Encode(ChatMl, """[{"role":"user","content":"a"},{"role":"assistant","content":"bad","weight":0},{"role":"assistant","content":"b"}]""", words);
        Assert.Equal(["bad<|im_end|>"], Runs(words, chat.Ids, chat.IsLeftOut));
    }

    [Theory]
    [InlineData("<s>{{ messages[0].content }}")]
    [InlineData("{{ messages[0].content }}")]
    [InlineData("{{ bos_token }}{{ messages[0].content }}")]
    public void BOS_is_there_once(string template)
    {
        var words = new MarkedTokenizer { AddsBos = true };
        var chat = ChatTemplate.Parse(template).EncodeForTraining([new ChatMessage("user", "a")], words);
        Assert.Equal("<s>a", words.Decode(chat.Ids));
        Assert.Equal(chat.Ids.Length, chat.IsReply.Length);
        Assert.Equal(chat.Ids.Length, chat.IsLeftOut.Length);
    }

    [Fact]
    public void What_a_record_holds_beside_its_messages_reaches_the_template()
    {
        const string source = "{% for t in tools or [] %}{{ t.function.name }};{% endfor %}{{ (documents or []) | length }}{{ mood }}{% for m in messages %}{{ m.role }}:{{ m.content is defined }}{{ m.content is none }};{% endfor %}";
        const string tool = """{"type":"function","function":{"name":"f","parameters":{}}}""";
        string Render(string record)
        {
            var read = Read(record);
            return ChatTemplate.Parse(source).Render(read.Messages, false, extra: read.Variables);
        }
        string With(string members) => Render($$"""{"messages":[{"role":"user","content":"a"}],"chat_template_kwargs":{"mood":"!"},{{members}} }""");
        Assert.Equal("f;0!user:TrueFalse;", With($"\"tools\":[{tool}]"));
        Assert.Equal("f;0!user:TrueFalse;", With($"\"tools\":{JsonSerializer.Serialize($"[{tool}]")}"));
        Assert.Equal("f;0!user:TrueFalse;", With($"\"tools\":[{JsonSerializer.Serialize(tool)}]"));
        Assert.Equal("f;0!user:TrueFalse;", With("\"functions\":[{\"name\":\"f\"}]"));
        Assert.Equal("1!system:TrueFalse;user:TrueFalse;", With("\"tools\":null,\"documents\":[{\"text\":\"d\"}],\"system\":\"s\""));
        Assert.Equal("0assistant:TrueTrue;assistant:FalseFalse;", Render("""{"messages":[{"role":"assistant","content":null,"tool_calls":[]},{"role":"assistant"}],"tools":"","chat_template_kwargs":{"mood":""}}"""));
    }

    [Fact]
    public void Prompt_and_completion_may_be_messages()
    {
        var record = Read("""{"prompt":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"completion":[{"role":"assistant","content":"d"}]}""");
        var words = new MarkedTokenizer();
        var (ids, isReply) = ChatTemplate.Parse(ChatMl).EncodeForTraining(record.Messages, words, record.Variables);
        Assert.Equal(["d<|im_end|>"], Runs(words, ids, isReply));
    }

    [Theory]
    [InlineData("""{"messages":[]}""", "messages is not a list of at least one message")]
    [InlineData("""{"conversations":"a"}""", "conversations is not a list")]
    [InlineData("""{"messages":[{"content":"a"}]}""", "messages[0]: a message has no \"role\"")]
    [InlineData("""{"messages":[3]}""", "messages[0] is a JSON Number")]
    [InlineData("""{"messages":[{"role":"assistant","content":"a","weight":0.5}]}""", "messages[0]: weight is 0.5, expected 0 or 1")]
    [InlineData("""{"messages":[{"role":"assistant","content":"a","train":"no"}]}""", "messages[0]: train is \"no\", expected true or false")]
    [InlineData("""{"messages":[{"role":"assistant","content":"a","train_detail":[]}]}""", "messages[0]: a loss on parts")]
    [InlineData("""{"conversations":[{"from":"function_call","value":"a"}]}""", "conversations[0]: role function_call is not read")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"tools":{"name":"f"}}""", "tools is a JSON Object, expected a list")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"tools":"[{"}""", "tools: is a text that is not valid JSON")]
    [InlineData("""{"messages":[{"role":"user","content":"a"}],"tools":[3]}""", "tools[0] is a JSON Number, expected an object")]
    [InlineData("""{"messages":[{"role":"system","content":"a"}],"system":"b"}""", "has a field system, and the messages begin with a system message")]
    public void Mistakes_are_named_with_their_place(string record, string message)
    {
        var e = Assert.Throws<InvalidDataException>(() => Read(record));
        Assert.StartsWith("here: ", e.Message);
        Assert.Contains(message, e.Message);
    }

    private static ChatRecord Read(string record) => ChatRecord.Read(JsonDocument.Parse(record).RootElement, "here");

    private static ChatTrainingIds Encode(string template, string messages, ITokenizer words) =>
        ChatTemplate.Parse(template).EncodeForTraining(Read("{\"messages\":" + messages + "}").Messages, words);

    private static string[] Runs(MarkedTokenizer words, int[] ids, bool[] marks)
    {
        var runs = new List<string>();
        for (var i = 0; i < ids.Length; i++)
            if (marks[i])
            {
                if (i == 0 || !marks[i - 1])
                    runs.Add("");
                runs[^1] += words.Piece(ids[i]);
            }
        return [.. runs];
    }
}
