using System.Runtime.ExceptionServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Vernier.Tokens;

namespace Vernier.Evaluation;

/// <summary>Scores the rows of a JSON Lines file: <c>{"ids":[...]}</c> scores all but the first id,
/// <c>{"prompt","continuation"}</c> scores the continuation by <see cref="ContinuationEncoding"/>. Each output row is the input row with
/// <c>logprobs</c> (one a scored token), <c>sum</c> and <c>greedy</c> added.</summary>
/// <param name="tokenizer">Needed by rows of text only.</param>
/// <param name="contextLength">Tokens the model was made for.</param>
/// <param name="vocabularySize">Every id must be below it.</param>
internal sealed class ScoreFile(SequenceScorer scorer, ITokenizer? tokenizer, int contextLength, int vocabularySize)
{
    private static readonly JsonSerializerOptions Format = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads, scores and writes as a stream, in order. Rows before a bad one are written.</summary>
    /// <returns>Rows written.</returns>
    /// <exception cref="InvalidDataException">A row is neither form, or cannot be scored; names file and line.</exception>
    public int Run(string inputPath, TextWriter output, Action<int>? progress = null, CancellationToken stop = default)
    {
        // the scorer reads ahead by a batch, so rows wait here until their scores come
        var waiting = new Queue<JsonRecord>();
        ExceptionDispatchInfo? badRow = null;
        var rows = 0;
        foreach (var score in scorer.Score(Requests()))
        {
            stop.ThrowIfCancellationRequested();
            var row = JsonObject.Create(waiting.Dequeue().Json)!;
            row["logprobs"] = new JsonArray([.. score.LogProbabilities.Select(value => JsonValue.Create((double)value))]);
            row["sum"] = score.Sum;
            row["greedy"] = score.IsGreedy;
            output.WriteLine(row.ToJsonString(Format));
            progress?.Invoke(++rows);
        }
        badRow?.Throw();
        return rows;

        IEnumerable<ScoringRequest> Requests()
        {
            using var records = JsonRecord.ReadLines(inputPath).GetEnumerator();
            while (Next(records, ref badRow) is { } request)
            {
                waiting.Enqueue(records.Current);
                yield return request;
            }
        }
    }

    /// <param name="badRow">The row that cannot be read: thrown after the rows before it are scored.</param>
    private ScoringRequest? Next(IEnumerator<JsonRecord> records, ref ExceptionDispatchInfo? badRow)
    {
        try
        {
            return records.MoveNext() ? Request(records.Current) : null;
        }
        catch (InvalidDataException e)
        {
            badRow = ExceptionDispatchInfo.Capture(e);
            return null;
        }
    }

    private ScoringRequest Request(JsonRecord record)
    {
        if (record.Has("ids"))
            return FromIds(record);
        if (!record.Has("prompt") || !record.Has("continuation"))
            throw new InvalidDataException($"{record.Place}: expected \"ids\", or \"prompt\" and \"continuation\"");
        if (tokenizer is null)
            throw new InvalidDataException($"{record.Place}: text needs a tokenizer, and the model has none: give ids");
        try
        {
            return ContinuationEncoding.CutLeft(ContinuationEncoding.Encode(tokenizer, record.Text("prompt"), record.Text("continuation")), contextLength);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"{record.Place}: {e.Message}", e);
        }
    }

    private ScoringRequest FromIds(JsonRecord record)
    {
        var ids = record.Integers("ids");
        if (ids.Length < 2 || ids.Length > contextLength + 1)
            throw new InvalidDataException($"{record.Place}: {ids.Length} ids: expected 2 to {contextLength + 1}, as the model's context is {contextLength}");
        foreach (var id in ids)
            if ((uint)id >= (uint)vocabularySize)
                throw new InvalidDataException($"{record.Place}: id {id} is outside the vocabulary of {vocabularySize}");
        return new ScoringRequest(ids, 1);
    }
}
