using Vernier.Models;

namespace Vernier.Data;

/// <summary>Lays samples into rows. Short samples share a row (in file order, as many as fit, each a sequence of its own);
/// documents longer than the context go on in further rows; a prompt with its answer is cut at its end.</summary>
internal sealed class RowBuilder
{
    private const int LinesNamed = 5;

    private readonly string _source;
    private readonly int _context;
    private readonly int _vocabularySize;
    private readonly List<int> _ids = [];
    private readonly List<int> _targets = [];
    private readonly List<int> _sequences = [0];
    private readonly List<int> _rows = [0];
    private readonly List<string> _notes = [];
    private readonly List<string> _split = [];
    private readonly List<string> _cut = [];
    private readonly List<string> _withoutAnswer = [];
    private readonly List<string> _withoutLabel = [];
    private readonly List<string> _withoutWeight = [];
    private int _samples;
    private int _restTokens;
    private PromptForm? _form;
    private int _forms;
    private int _open; // tokens in the row that is being packed

    public RowBuilder(string source, int context, int vocabularySize)
    {
        if (context < 2)
            throw new ArgumentOutOfRangeException(nameof(context), context, "a context must hold at least 2 tokens");
        _source = source;
        _context = context;
        _vocabularySize = vocabularySize;
    }

    /// <summary>A token stream in blocks of the context, a row each. The rest at its end is left out unless it is all there is.</summary>
    public void AddStream(ReadOnlySpan<int> ids)
    {
        if (ids.Length < 2)
            throw new InvalidDataException($"{_source}: holds {ids.Length} tokens, found nothing to predict; at least 2 are needed");
        var rest = ids.Length < _context ? 0 : ids.Length % _context;
        (_samples, _restTokens) = (_samples + 1, _restTokens + rest);
        for (var at = 0; at < ids.Length - rest; at += _context)
        {
            var block = ids.Slice(at, Math.Min(_context, ids.Length - at));
            Append(block, block, "the text");
            CloseRow();
        }
        if (rest > 0)
            _notes.Add($"{_source}: the last {rest} of {ids.Length} tokens do not fill a block of {_context} and are left out");
    }

    /// <summary>A sample that its file takes the loss off: it is counted and named.</summary>
    public void LeaveOut(string place)
    {
        _samples++;
        _withoutWeight.Add(place);
    }

    /// <summary>The form of a sample's prompt; what all samples have in common is the data's.</summary>
    public void AddForm(PromptForm form) => _form = _forms++ == 0 ? form : PromptForm.Join(_form, form);

    /// <summary>What else a user must know about the data.</summary>
    public void AddNote(string note) => _notes.Add($"{_source}: {note}");

    /// <summary>A sample that is a row of its own, never packed and never cut; none, when no token has a loss.</summary>
    public void AddRow(Sample sample)
    {
        _samples++;
        if (sample.Ids.Length > _context)
            throw new InvalidDataException($"{_source}: {sample.Place} has {sample.Ids.Length} ids, the model takes at most {_context}");
        CloseRow();
        if (HasTarget(sample.Labels))
            Append(sample.Ids, sample.Labels, sample.Place);
        else
            _withoutLabel.Add(sample.Place);
        CloseRow();
    }

    /// <summary>A document: every token is a target. What exceeds the context goes on in further rows.</summary>
    public void AddDocument(Sample sample)
    {
        _samples++;
        if (sample.Ids.Length < 2)
        {
            _withoutLabel.Add(sample.Place);
            return;
        }
        if (sample.Ids.Length > _context)
            _split.Add(sample.Place);
        for (var at = 0; at < sample.Ids.Length; at += _context)
        {
            var length = Math.Min(_context, sample.Ids.Length - at);
            if (length > 1)
                Pack(sample.Ids.AsSpan(at, length), sample.Labels.AsSpan(at, length), sample.Place);
        }
    }

    /// <summary>A prompt with its answer: the first context's worth of tokens is kept; nothing, when no answer is among them.</summary>
    public void AddAnswer(Sample sample)
    {
        _samples++;
        var length = Math.Min(_context, sample.Ids.Length);
        var labels = sample.Labels.AsSpan(0, length);
        if (!HasTarget(labels))
        {
            _withoutAnswer.Add(sample.Place);
            return;
        }
        if (length < sample.Ids.Length)
            _cut.Add(sample.Place);
        Pack(sample.Ids.AsSpan(0, length), labels, sample.Place);
    }

    public TrainingData Build()
    {
        CloseRow();
        Note(_split, $"longer than the context of {_context} tokens: they go on in further rows");
        Note(_cut, $"longer than the context of {_context} tokens: cut at their end");
        Note(_withoutAnswer, "left out: no token of an answer within the context");
        Note(_withoutLabel, "left out: no token with a loss");
        Note(_withoutWeight, "left out: the record takes its loss away");
        var counts = new DataCounts
        {
            Samples = _samples,
            LeftOut = _withoutAnswer.Count + _withoutLabel.Count + _withoutWeight.Count,
            Cut = _cut.Count,
            Continued = _split.Count,
            TokensLeftOut = _restTokens,
        };
        var data = new TrainingData(_source, [.. _ids], [.. _targets], [.. _sequences], [.. _rows], _notes) { Counts = counts, Prompt = _form };
        if (data.ScoredTokens == 0)
            throw new InvalidDataException($"{_source}: found nothing to learn, expected at least one token with a loss{string.Concat(_notes.Select(n => "; " + n))}");
        return data;
    }

    /// <summary>The first label is nobody's target: nothing stands before it.</summary>
    private static bool HasTarget(ReadOnlySpan<int> labels) => labels.Length > 1 && labels[1..].IndexOfAnyExcept(TokenBatch.NoTarget) >= 0;

    private void Pack(ReadOnlySpan<int> ids, ReadOnlySpan<int> labels, string place)
    {
        if (_open + ids.Length > _context)
            CloseRow();
        Append(ids, labels, place);
        _open += ids.Length;
    }

    private void Append(ReadOnlySpan<int> ids, ReadOnlySpan<int> labels, string place)
    {
        foreach (var id in ids)
            Check(id, "id", place);
        for (var t = 0; t < ids.Length; t++)
        {
            var target = t + 1 < ids.Length ? labels[t + 1] : TokenBatch.NoTarget;
            if (target != TokenBatch.NoTarget)
                Check(target, "label", place);
            _ids.Add(ids[t]);
            _targets.Add(target);
        }
        _sequences.Add(_ids.Count);
    }

    private void CloseRow()
    {
        if (_rows[^1] != _sequences.Count - 1)
            _rows.Add(_sequences.Count - 1);
        _open = 0;
    }

    private void Check(int id, string what, string place)
    {
        if ((uint)id >= (uint)_vocabularySize)
            throw new InvalidDataException($"{_source}: {place}: {what} {id} is outside the vocabulary, expected 0..{_vocabularySize - 1}{(what == "label" ? $" or {TokenBatch.NoTarget}" : "")}");
    }

    private void Note(List<string> places, string what)
    {
        if (places.Count > 0)
            _notes.Add($"{_source}: {places.Count} {(places.Count == 1 ? "sample" : "samples")} ({string.Join(", ", places.Take(LinesNamed))}{(places.Count > LinesNamed ? ", ..." : "")}) {what}");
    }
}
