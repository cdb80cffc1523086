using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Data;

/// <summary>Tokenised samples laid out in rows: a row holds one or more sequences of together at most
/// <see cref="RowOptions.Context"/> tokens, and a batch is a number of rows. Nothing is padded, and attention never crosses a sequence.</summary>
public sealed class TrainingData
{
    private readonly int[] _ids;
    private readonly int[] _targets;
    private readonly int[] _sequenceStarts; // [sequences + 1], into _ids
    private readonly int[] _rowStarts;      // [rows + 1], into _sequenceStarts
    private readonly int[] _scored;         // [rows]

    internal TrainingData(string source, int[] ids, int[] targets, int[] sequenceStarts, int[] rowStarts, IReadOnlyList<string> notes)
    {
        Source = source;
        Notes = notes;
        _ids = ids;
        _targets = targets;
        _sequenceStarts = sequenceStarts;
        _rowStarts = rowStarts;
        _scored = new int[Rows];
        for (var row = 0; row < Rows; row++)
            foreach (var target in RowTargets(row))
                _scored[row] += target >= 0 ? 1 : 0;
    }

    /// <summary>The file, or what else the rows were made of.</summary>
    public string Source { get; }

    /// <summary>What a user must know about how the data was taken: samples cut or left out, with their lines.</summary>
    public IReadOnlyList<string> Notes { get; }

    /// <summary>Samples of the file, and what became of them.</summary>
    public DataCounts Counts { get; internal init; }

    /// <summary>The form of the prompts; null where the samples have different ones.</summary>
    public PromptForm? Prompt { get; internal init; }

    /// <summary>Rows: sequences that share a row never see each other.</summary>
    public int Rows => _rowStarts.Length - 1;

    /// <summary>Sequences of all rows.</summary>
    public int Sequences => _sequenceStarts.Length - 1;

    /// <summary>Tokens of all rows.</summary>
    public int Tokens => _ids.Length;

    /// <summary>Positions that have a target, all rows.</summary>
    public long ScoredTokens => _scored.Sum(n => (long)n);

    /// <summary>Reads a data file; which kind it is, is decided by its extension and content.</summary>
    /// <param name="tokenizer">null where the model has none: then only <c>input_ids</c> can be read.</param>
    /// <param name="config">Bounds the ids and the length of a row.</param>
    /// <exception cref="InvalidDataException">The file is empty, binary, has a bad line or a field is missing: path, line, and what was expected.</exception>
    internal static TrainingData Load(string path, ITokenizer? tokenizer, RowOptions options, ModelConfig config, ChatTemplate? chatTemplate = null, CancellationToken cancel = default) =>
        Load(path, tokenizer, options, config, new Lazy<ChatTemplate?>(chatTemplate), cancel);

    /// <summary>Reads a data file for a model.</summary>
    /// <exception cref="InvalidDataException">The file is empty, binary, has a bad line or a field is missing: path, line, and what was expected.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static TrainingData Load(string path, LoadedModel model, RowOptions options, CancellationToken cancel = default) =>
        Load(path, model.Tokenizer, options, model.Config, new Lazy<ChatTemplate?>(() => model.ChatTemplate), cancel);

    /// <summary>One text as one token stream, cut into blocks of the context in order, as a <c>.txt</c> file is.</summary>
    /// <param name="source">What messages call it.</param>
    public static TrainingData FromText(string text, string source, ITokenizer tokenizer, RowOptions options, ModelConfig config)
    {
        var rows = new RowBuilder(source, Math.Min(options.Context, config.ContextLength), config.VocabularySize);
        rows.AddStream(tokenizer.Encode(text));
        return rows.Build();
    }

    /// <summary>Sequences as they are, one a row. The target of every position is the next id.</summary>
    public static TrainingData FromSequences(IEnumerable<int[]> sequences, string source, ModelConfig config)
    {
        var rows = new RowBuilder(source, config.ContextLength, config.VocabularySize);
        var number = 0;
        foreach (var ids in sequences)
            rows.AddRow(new Sample(ids, ids, $"sequence {++number}"));
        return rows.Build();
    }

    /// <summary>Tokens of one row.</summary>
    public int RowTokens(int row) => _sequenceStarts[_rowStarts[row + 1]] - _sequenceStarts[_rowStarts[row]];

    /// <summary>Sequences of one row.</summary>
    public int RowSequences(int row) => _rowStarts[row + 1] - _rowStarts[row];

    /// <summary>Positions of one row that have a target.</summary>
    public int RowScoredTokens(int row) => _scored[row];

    /// <summary>Ids of one row, sequence after sequence.</summary>
    public ReadOnlySpan<int> RowIds(int row) => _ids.AsSpan(_sequenceStarts[_rowStarts[row]], RowTokens(row));

    /// <summary>Targets of one row, already shifted; <see cref="TokenBatch.NoTarget"/> where there is none.</summary>
    public ReadOnlySpan<int> RowTargets(int row) => _targets.AsSpan(_sequenceStarts[_rowStarts[row]], RowTokens(row));

    /// <summary>Tokens of each sequence of one row.</summary>
    internal void RowLengths(int row, Span<int> lengths)
    {
        for (var s = 0; s < RowSequences(row); s++)
            lengths[s] = _sequenceStarts[_rowStarts[row] + s + 1] - _sequenceStarts[_rowStarts[row] + s];
    }

    private static TrainingData Load(string path, ITokenizer? tokenizer, RowOptions options, ModelConfig config, Lazy<ChatTemplate?> chatTemplate, CancellationToken cancel) =>
        TrainingFile.Read(path, new SampleEncoder(tokenizer, chatTemplate, options.TrainOnPrompt), options.Context, config, cancel);

    /// <summary>SHA-256 of ids, targets and bounds, hexadecimal: the data's identity, wherever the file lies.</summary>
    public string Sha256()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in (int[][])[_ids, _targets, _sequenceStarts, _rowStarts])
            hash.AppendData(MemoryMarshal.AsBytes<int>(part));
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
