using System.Text.Json.Nodes;
using Vernier.Tokens;

namespace Vernier.Tests.Tokens;

/// <summary>
/// Small tokenizers made for a test: the id of a byte is its value; 256 is "é", 257 "th", 258 "the"; added tokens begin at 300.
/// </summary>
internal static class MadeTokenizer
{
    public const string ByteLevel = """{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}""";

    public static JsonObject Vocabulary()
    {
        var pieces = new JsonObject();
        for (var value = 0; value < 256; value++)
            pieces[ByteAlphabet.ToChar((byte)value).ToString()] = value;
        pieces["Ã©"] = 256;
        pieces["th"] = 257;
        pieces["the"] = 258;
        return pieces;
    }

    /// <summary>A tokenizer.json of byte-level BPE.</summary>
    public static string Json(string normalizer = "null", string preTokenizer = ByteLevel, string added = "[]", string decoder = ByteLevel) => $$$"""
        {"version":"1.0","added_tokens":{{{added}}},"normalizer":{{{normalizer}}},"pre_tokenizer":{{{preTokenizer}}},"post_processor":null,"decoder":{{{decoder}}},
        "model":{"type":"BPE","vocab":{{{Vocabulary().ToJsonString()}}},"merges":["Ã ©","t h","th e"]}}
        """;

    public static ITokenizer Read(string json) => InFolder(("tokenizer.json", json), folder => TokenizerLoader.FromFolder(folder)!.Tokenizer);

    public static T InFolder<T>((string Name, string Text) file, Func<string, T> work) => InFolder([file], work);

    public static T InFolder<T>((string Name, string Text)[] files, Func<string, T> work)
    {
        var folder = Directory.CreateTempSubdirectory("tokenizer");
        try
        {
            foreach (var (name, text) in files)
                File.WriteAllText(Path.Combine(folder.FullName, name), text);
            return work(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
