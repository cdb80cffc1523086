using System.Text;
using Parquet.Serialization;
using Vernier.Data;
using Vernier.Reading;
using Vernier.Tests.Evaluation;
using Vernier.Tests.Tuning;
using Vernier.TestSupport;

namespace Vernier.Tests.Reading;

/// <summary>Parquet files as Arrow writes them, and damaged ones.</summary>
public class ParquetRowsTests
{
    private const string Folder = "goldens/formats/parquet";

    private static readonly string[] s_rows =
    [
        """{"messages":[{"name":"n0","role":"user","content":"One and one?"},{"role":"assistant","content":"Two."}],"id":1,"score":0.5,"flag":true,"ids":[5,6,7],"source":{"name":"a","n":0}}""",
        """{"messages":[{"name":"n2","role":"system","content":"Be brief."},{"role":"user","content":"Zwölf ü?"},{"name":"n4","role":"assistant","content":""}],"source":{"n":1}}""",
        """{"messages":[{"name":"n0","role":"user","content":"Good?"},{"role":"assistant","content":"Yes."}],"id":3,"score":1E+300,"flag":false}""",
    ];

    public static TheoryData<string> Compressions => [.. SharedFiles.Match(Folder, "*.parquet").Select(SharedFiles.NameOf)];

    [Theory]
    [MemberData(nameof(Compressions))]
    public void Nested_columns_and_nulls_come_as_records(string file)
    {
        var records = JsonRecord.ReadLines(SharedFiles.At(file)).ToList();
        Assert.Equal(s_rows.Select(Members), records.Select(record => Members(record.Json.GetRawText())));
        Assert.Equal($"{SharedFiles.At(file)}: row 3", records[2].Place);
    }

    [Fact]
    public void Rows_are_taken_as_lines_of_the_same_fields_are()
    {
        using var folder = new TemporaryFolder();
        Write(folder.At("x.parquet"), [new("a ", "b"), new("ü?", "no")]);
        folder.Write("x.jsonl", """{"prompt": "a ", "completion": "b"}""" + "\n" + """{"prompt": "ü?", "completion": "no"}""");
        Assert.Equal(Load(folder.At("x.jsonl")).Sha256(), Load(folder.At("x.parquet")).Sha256());
        Assert.Equal(2, Load(folder.At("x.parquet")).Counts.Samples);
    }

    [Fact]
    public void A_bad_row_is_named()
    {
        using var folder = new TemporaryFolder();
        Write(folder.At("x.parquet"), [new("a", "b"), new("a", null)]);
        Assert.StartsWith($"{folder.At("x.parquet")}: row 2: ", Assert.Throws<InvalidDataException>(() => Load(folder.At("x.parquet"))).Message);
    }

    [Fact]
    public void Damage_is_one_error_that_names_the_file()
    {
        using var folder = new TemporaryFolder();
        var whole = File.ReadAllBytes(SharedFiles.At(Folder + "/snappy.parquet"));
        var random = new Random(5);
        for (var i = 0; i < 300; i++)
        {
            var bytes = whole[..(i % 3 == 0 ? random.Next(whole.Length) : whole.Length)];
            for (var flips = 0; flips < 4 && bytes.Length > 0; flips++)
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            File.WriteAllBytes(folder.At("x.parquet"), bytes);
            try
            {
                Assert.InRange(ParquetRows.Read(folder.At("x.parquet")).Count(), 0, 1000); // what was hit may be text
            }
            catch (InvalidDataException e)
            {
                Assert.StartsWith(folder.At("x.parquet"), e.Message);
            }
        }
    }

    private static TrainingData Load(string path) => TrainingData.Load(path, new ByteTokenizer(), new RowOptions(64), TinyRun.Config with { VocabularySize = 257, ContextLength = 4096 });

    private static void Write(string path, IEnumerable<Pair> rows)
    {
        using var file = File.Create(path);
        ParquetSerializer.SerializeAsync(rows, file).GetAwaiter().GetResult();
    }

    /// <summary>The members of an object in an order of their own: columns may come in any.</summary>
    private static string Members(string json)
    {
        using var document = System.Text.Json.JsonDocument.Parse(json);
        var text = new StringBuilder();
        foreach (var member in document.RootElement.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
            text.Append(member.Name).Append('=').Append(member.Value.ValueKind == System.Text.Json.JsonValueKind.Number ? member.Value.GetDouble() : member.Value.ToString()).Append('\n');
        return text.Replace("\\u00F6", "ö").Replace("\\u00FC", "ü").ToString();
    }

    private sealed class Pair(string prompt, string? completion)
    {
        public Pair()
            : this("", null)
        {
        }

        [System.Text.Json.Serialization.JsonPropertyName("prompt")]
        public string Prompt { get; set; } = prompt;

        [System.Text.Json.Serialization.JsonPropertyName("completion")]
        public string? Completion { get; set; } = completion;
    }
}
