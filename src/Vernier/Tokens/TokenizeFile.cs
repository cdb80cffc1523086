using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Tokens.Templates;

namespace Vernier.Tokens;

/// <summary>Encodes or decodes the rows of a JSON Lines file. Encoding: <c>{"text"}</c> gains <c>ids</c> and <c>pieces</c>;
/// <c>{"messages","add_generation_prompt"}</c> gains <c>text</c> and <c>ids</c> by the chat template. Decoding: <c>{"ids"}</c> gains
/// <c>text</c>, <c>stream</c> (one string an id) and <c>stream_end</c>.</summary>
/// <param name="template">null where the model has none: rows of messages are refused.</param>
internal sealed class TokenizeFile(ITokenizer tokenizer, ChatTemplate? template)
{
    private static readonly JsonSerializerOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Special tokens written in a <c>text</c> row become their ids: the habit of byte-level vocabularies; a row's <c>parse_special</c> overrides it.</summary>
    private readonly bool _parsesSpecial = tokenizer is BytePairTokenizer;

    /// <summary>Encodes all rows, in order. Rows before a bad one are written.</summary>
    /// <returns>Rows written.</returns>
    /// <exception cref="InvalidDataException">A row has neither form; names file and line.</exception>
    /// <exception cref="TemplateException">The template raises.</exception>
    public int Encode(string inputPath, TextWriter output, CancellationToken cancel = default) => Run(inputPath, output, EncodeRow, cancel);

    /// <summary>Decodes all rows, in order.</summary>
    /// <returns>Rows written.</returns>
    /// <exception cref="InvalidDataException">A row has no ids, or a negative one; names file and line.</exception>
    public int Decode(string inputPath, TextWriter output, CancellationToken cancel = default) => Run(inputPath, output, DecodeRow, cancel);

    private static int Run(string inputPath, TextWriter output, Action<JsonRecord, JsonObject> work, CancellationToken cancel)
    {
        var rows = 0;
        foreach (var record in JsonRecord.ReadLines(inputPath))
        {
            cancel.ThrowIfCancellationRequested();
            var row = JsonObject.Create(record.Json)!;
            work(record, row);
            output.WriteLine(row.ToJsonString(Format));
            rows++;
        }
        return rows;
    }

    private void EncodeRow(JsonRecord record, JsonObject row)
    {
        string text;
        bool parse;
        if (ChatRecord.Is(record.Json))
        {
            if (template is null)
                throw new InvalidDataException($"{record.Place}: messages need a chat template, and the model has none");
            var chat = ChatRecord.Read(record.Json, record.Place);
            var prompt = record.Has("add_generation_prompt") && record.Json.GetProperty("add_generation_prompt").ValueKind == JsonValueKind.True;
            text = Render(chat, prompt, record.Place);
            row["text"] = text;
            parse = true;
        }
        else
        {
            if (!record.Has("text"))
                throw new InvalidDataException($"{record.Place}: expected \"text\" or \"messages\"");
            text = record.Text("text");
            parse = record.Has("parse_special") ? record.Json.GetProperty("parse_special").ValueKind == JsonValueKind.True : _parsesSpecial;
        }
        var ids = tokenizer.Encode(text, parse);
        row["ids"] = Numbers(ids);
        row["pieces"] = new JsonArray([.. ids.Select(id => JsonValue.Create(tokenizer.Piece(id)))]);
    }

    private string Render(ChatRecord chat, bool prompt, string place)
    {
        try
        {
            return template!.Render(chat.Messages, prompt, tokenizer, chat.Variables);
        }
        catch (TemplateException e)
        {
            throw new TemplateException($"{place}: the chat template refuses it: {e.Message}", e.Line, e);
        }
    }

    private void DecodeRow(JsonRecord record, JsonObject row)
    {
        var ids = record.Integers("ids");
        foreach (var id in ids)
            if (id < 0)
                throw new InvalidDataException($"{record.Place}: the id {id}, expected a whole number from 0");
        var decoder = new StreamingDecoder(tokenizer);
        var stream = ids.Select(decoder.Add).ToArray();
        var end = decoder.Finish();
        row["text"] = string.Concat(stream) + end;
        row["stream"] = new JsonArray([.. stream.Select(s => JsonValue.Create(s))]);
        row["stream_end"] = end;
    }

    private static JsonArray Numbers(int[] ids) => new([.. ids.Select(id => JsonValue.Create(id))]);
}
