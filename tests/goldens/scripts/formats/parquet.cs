#:package ParquetSharp@25.0.1.2
// Three records in two row groups, with nested columns and nulls, in every compression that Arrow writes: `dotnet run parquet.cs OUT`.
using Apache.Arrow;
using Apache.Arrow.Types;
using ParquetSharp;
using ParquetSharp.Arrow;

var text = StringType.Default;
var message = new StructType([new Field("name", text, true), new Field("role", text, true), new Field("content", text, true)]);
var messages = new ListType(new Field("element", message, true));
var ids = new ListType(new Field("element", Int64Type.Default, true));
var source = new StructType([new Field("name", text, true), new Field("n", Int64Type.Default, true)]);
var schema = new Schema(
[
    new Field("messages", messages, true), new Field("id", Int32Type.Default, true), new Field("score", DoubleType.Default, true),
    new Field("flag", BooleanType.Default, true), new Field("ids", ids, true), new Field("source", source, true),
], null);

foreach (var compression in (Compression[])[Compression.Snappy, Compression.Zstd, Compression.Gzip, Compression.Brotli, Compression.Lz4, Compression.Uncompressed])
{
    using var properties = new WriterPropertiesBuilder().Compression(compression).Build();
    using var writer = new FileWriter(Path.Combine(args[0], compression.ToString().ToLowerInvariant() + ".parquet"), schema, properties);
    // a batch is given away when it is written: each file has its own; each becomes a row group
    writer.WriteRecordBatch(First());
    writer.WriteRecordBatch(Second());
    writer.Close();
}

RecordBatch First() => Batch(2, Texts("user", "assistant", "system", "user", "assistant"), Texts("One and one?", "Two.", "Be brief.", "Zwölf ü?", ""), [0, 2, 5],
    [1, null], [0.5, null], [true, null], [5, 6, 7], [0, 3, 3], [true, false], Texts("a", null), [true, true]);

RecordBatch Second() => Batch(1, Texts("user", "assistant"), Texts("Good?", "Yes."), [0, 2], [3], [1e300], [false], [], [0, 0], [true], Texts("x"), [false]);

RecordBatch Batch(int rows, StringArray roles, StringArray contents, int[] ends, int?[] id, double?[] score, bool?[] flag, long[] allIds, int[] idEnds, bool[] hasIds, StringArray sourceNames, bool[] hasSource)
{
    var names = Texts([.. Enumerable.Range(0, roles.Length).Select(i => i % 2 == 1 ? null : "n" + i)]);
    var turns = new ListArray(messages, rows, Offsets(ends), new StructArray(message, roles.Length, [names, roles, contents], ArrowBuffer.Empty, 0), ArrowBuffer.Empty, 0);
    var (numbers, scores, flags) = (new Int32Array.Builder(), new DoubleArray.Builder(), new BooleanArray.Builder());
    for (var i = 0; i < rows; i++)
    {
        _ = id[i] is { } n ? numbers.Append(n) : numbers.AppendNull();
        _ = score[i] is { } s ? scores.Append(s) : scores.AppendNull();
        _ = flag[i] is { } f ? flags.Append(f) : flags.AppendNull();
    }
    var lists = new ListArray(ids, rows, Offsets(idEnds), new Int64Array.Builder().AppendRange(allIds).Build(), Bits(hasIds), hasIds.Count(b => !b));
    var counts = new Int64Array.Builder().AppendRange(Enumerable.Range(0, rows).Select(i => (long)i)).Build();
    var sources = new StructArray(source, rows, [sourceNames, counts], Bits(hasSource), hasSource.Count(b => !b));
    return new RecordBatch(schema, [turns, numbers.Build(), scores.Build(), flags.Build(), lists, sources], rows);
}

StringArray Texts(params string?[] texts)
{
    var builder = new StringArray.Builder();
    foreach (var t in texts)
        _ = t is null ? builder.AppendNull() : builder.Append(t);
    return builder.Build();
}

ArrowBuffer Offsets(int[] values) => new ArrowBuffer.Builder<int>().AppendRange(values).Build();

ArrowBuffer Bits(bool[] values)
{
    var builder = new ArrowBuffer.BitmapBuilder();
    foreach (var value in values)
        builder.Append(value);
    return builder.Build();
}
