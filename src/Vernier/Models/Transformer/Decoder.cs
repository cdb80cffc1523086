using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>A decoder-only transformer. One forward pass serves training, scoring and generation.</summary>
/// <remarks>Threads may share it: a pass waits for the pass of another thread, and is refused with <see cref="InvalidOperationException"/> while another thread tunes,
/// quantizes or measures the model. What is reached through it (linears, weights, parameters) and caches are not protected: they belong to one thread at a time.</remarks>
public sealed partial class Decoder : IDisposable
{
    private readonly DecoderBlock[] _blocks;
    private readonly NamedMatrix _table;
    private readonly NamedMatrix? _positions;
    private readonly NamedMatrix? _projectIn;
    private readonly NamedMatrix? _projectOut;
    private readonly NamedMatrix _headMatrix;
    private readonly TokenEmbedding _embedding;
    private readonly LanguageHead _head;
    private readonly Rotary? _rope;
    private readonly Rotary? _localRope; // of layers with a window
    private readonly TokenLayout _layout = new();
    private Linear[] _linears = [];
    private Parameter[] _parameters = [];
    private bool _trainsAll;

    /// <summary>Builds the decoder from its weights.</summary>
    /// <param name="progress">Told of the blocks that are done: how many, of how many.</param>
    /// <exception cref="NotSupportedException">The architecture is not known.</exception>
    /// <exception cref="InvalidDataException">A weight is missing or has another shape than the configuration asks for.</exception>
    internal Decoder(ModelConfig config, IWeightSource weights, Action<int, int>? progress = null)
    {
        Config = config;
        var names = ParameterNames.Of(config.Architecture);
        var width = config.EmbeddingSize == 0 ? config.HiddenSize : config.EmbeddingSize;
        var rotary = config.Positions is PositionKind.RotaryHalf or PositionKind.RotaryInterleaved;
        _rope = rotary ? new Rotary(config) : null;
        _localRope = rotary && config.LocalRopeTheta > 0 ? new Rotary(config, local: true) : null;
        _table = Matrix(names.Embedding, config.VocabularySize, width);
        if (config.Positions == PositionKind.Learned)
            _positions = Matrix(names.Positions, config.ContextLength + config.PositionOffset, config.HiddenSize);
        if (width != config.HiddenSize)
        {
            _projectIn = Matrix(names.ProjectIn, config.HiddenSize, width);
            _projectOut = Matrix(names.ProjectOut, width, config.HiddenSize);
        }
        _headMatrix = config.TiedHead ? _table : Matrix(names.Head, config.VocabularySize, width);
        _embedding = new TokenEmbedding(config, _table, _positions, _projectIn);
        _blocks = new DecoderBlock[config.Layers];
        for (var layer = 0; layer < _blocks.Length; layer++)
        {
            _blocks[layer] = DecoderBuilder.Block(config, names, layer, RotaryOf(layer), weights);
            progress?.Invoke(layer + 1, _blocks.Length);
        }
        var finalNorm = config.FinalNorm ? DecoderBuilder.Norm(config, names.FinalNorm, config.HiddenSize, weights) : null;
        var headBias = config.HeadBias ? DecoderBuilder.Vector(names.Head + ".bias", config.VocabularySize, weights) : null;
        _head = new LanguageHead(config, finalNorm, _projectOut, _headMatrix, headBias);
        ListParameters();

        NamedMatrix Matrix(string name, int rows, int columns) => new(name, weights.Matrix(name + ".weight", rows, columns));
    }

    /// <summary>Sizes and kinds of everything in the model.</summary>
    public ModelConfig Config { get; }

    /// <summary>The linear layers inside the blocks, in the order of computation: the ones that are quantized and tuned.</summary>
    public IReadOnlyList<Linear> Linears => _linears;

    /// <summary>The embedding table and the head as layers, and which is the head; one where the model ties them.</summary>
    internal IEnumerable<(Linear Table, bool IsHead)> Tables => new[] { _table, _headMatrix }.Distinct().Select(m => (m.AsLinear, m == _headMatrix));

    /// <summary>The linears, and what is tuned outside the blocks.</summary>
    internal IEnumerable<Linear> AllLinears => _linears.Concat(OuterMatrices().Select(m => m.Tuned).OfType<Linear>());

    /// <summary>The linears of one block, in the order of computation.</summary>
    internal IEnumerable<Linear> LinearsOf(int layer) => LinearsOf(_blocks[layer]);

    /// <summary>The linears of one block in stages, see <see cref="FeedForward.Stages"/>.</summary>
    internal IEnumerable<Linear[][]> StagesOf(int layer)
    {
        var attention = _blocks[layer].Attention;
        return _blocks[layer].FeedForward.Stages.Prepend([[attention.Output]]).Prepend([[attention.Query, attention.Key, attention.Value]]);
    }

    /// <summary>What training changes now: the parameters of the linears, and for full fine-tuning all others.</summary>
    public IReadOnlyList<Parameter> Parameters => _parameters;

    /// <summary>The token embedding table [vocabulary, embedding size].</summary>
    internal WeightMatrix Embedding => _table.Matrix;

    /// <summary>The head [vocabulary, embedding size]; the embedding table itself where the model ties them.</summary>
    internal WeightMatrix Head => _headMatrix.Matrix;

    /// <summary>Replaces linears: the function gets each one and returns it or its replacement of the same shape and name.</summary>
    /// <exception cref="ArgumentException">A replacement has another name or shape.</exception>
    public void ReplaceLinears(Func<Linear, Linear> replace)
    {
        using var work = Gate.Enter();
        try
        {
            ForEachLinear(Checked);
        }
        finally
        {
            ListParameters(); // those that were replaced before a failure are replaced
            Changed();
        }

        Linear Checked(Linear old)
        {
            Cancellation.ThrowIfCancellationRequested();
            var linear = replace(old);
            if (linear.Name != old.Name || linear.InFeatures != old.InFeatures || linear.OutFeatures != old.OutFeatures)
                throw new ArgumentException($"{old.Name} [{old.OutFeatures}, {old.InFeatures}] cannot be replaced by {linear.Name} [{linear.OutFeatures}, {linear.InFeatures}]", nameof(replace));
            return linear;
        }
    }

    /// <summary>Puts layers of a tuning method in place of the head and the embedding table, or takes their weights back.</summary>
    /// <param name="chosen">Gets each of them, and whether it is the head (the table too where the model ties them).</param>
    /// <param name="replace">Gets each that is chosen, and returns what takes its place.</param>
    /// <exception cref="ArgumentException">A layer cannot be trained there.</exception>
    internal void ReplaceTables(Func<Linear, bool, bool> chosen, Func<Linear, Linear> replace)
    {
        using var work = Gate.Enter();
        try
        {
            foreach (var matrix in new[] { _table, _headMatrix }.Distinct())
                if (chosen(matrix.AsLinear, matrix == _headMatrix))
                {
                    KeepOuter(); // before a layer takes its weight over
                    matrix.Replace(replace);
                }
        }
        finally
        {
            ListParameters();
            Changed();
        }
    }

    /// <summary>Puts other linears in all places, such as those of a task: no more than that many references change.</summary>
    /// <param name="linears">As many as there are, of the same shapes; with nothing to train unless there was before.</param>
    internal void UseLinears(Linear[] linears)
    {
        using var work = Gate.Enter();
        var at = 0;
        ForEachLinear(_ => linears[at++]);
        _linears = linears;
        if (_parameters.Length > 0)
            ListParameters();
        Changed();
    }

    /// <summary>Full fine-tuning: also trains (or freezes again) everything outside the linears' weights: embeddings, positions, norms, biases and head.
    /// Matrices that a file stores in few bits become fp32.</summary>
    public void TrainAll(bool train)
    {
        using var work = Gate.Enter();
        _trainsAll = train;
        if (train)
        {
            KeepOuter();
            foreach (var matrix in OuterMatrices())
                matrix.MakeTrainable();
        }
        ListParameters();
    }

    /// <summary>Every tensor by its Hugging Face name, for export: matrices as they are computed with, norms and biases as [1, n].</summary>
    internal IEnumerable<(string Name, WeightMatrix? Matrix, Parameter? Vector)> Weights()
    {
        foreach (var matrix in OuterMatrices())
            yield return (matrix.Name + ".weight", matrix.Matrix, null);
        foreach (var linear in _linears)
            yield return (linear.Name + ".weight", linear.Weight, null);
        foreach (var vector in Vectors())
            yield return (vector.Name, null, vector);
    }

    /// <summary>The quantized matrices by their Hugging Face names: those of the linears, and of the embedding and head where they are quantized.</summary>
    internal IEnumerable<(string Name, PackedMatrix Matrix)> QuantizedMatrices()
    {
        foreach (var matrix in OuterMatrices())
            if (matrix.Matrix is PackedMatrix packed)
                yield return (matrix.Name + ".weight", packed);
        foreach (var linear in _linears)
            if (linear.Codes is { } packed)
                yield return (linear.Name + ".weight", packed);
    }

    /// <summary>Waits for the work of another thread; whoever comes later gets <see cref="ObjectDisposedException"/>.</summary>
    /// <exception cref="InvalidOperationException">Called from inside its own work.</exception>
    public void Dispose()
    {
        if (!Gate.Close())
            return;
        DisposeBase();
        foreach (var matrix in OuterMatrices())
            matrix.Dispose();
        foreach (var linear in _linears)
            linear.Weight.Dispose();
        foreach (var vector in Vectors())
            vector.Dispose();
        _head.Dispose();
        _rope?.Dispose();
        _localRope?.Dispose();
        FreeActivations();
    }

    private Rotary? RotaryOf(int layer) => Config.RotaryLayers.Count > 0 && !Config.RotaryLayers[layer] ? null
        : _localRope is not null && Config.AttentionWindows.Count > 0 && Config.AttentionWindows[layer] > 0 ? _localRope
        : _rope;

    private IEnumerable<NamedMatrix> OuterMatrices()
    {
        yield return _table;
        if (_positions is not null)
            yield return _positions;
        if (_projectIn is not null)
            yield return _projectIn;
        if (_projectOut is not null)
            yield return _projectOut;
        if (_headMatrix != _table)
            yield return _headMatrix;
        foreach (var block in _blocks)
            foreach (var matrix in block.FeedForward.Matrices)
                yield return matrix;
    }

    private static IEnumerable<Linear> LinearsOf(DecoderBlock block) =>
        [block.Attention.Query, block.Attention.Key, block.Attention.Value, block.Attention.Output, .. block.FeedForward.Linears];

    private IEnumerable<Norm> Norms()
    {
        foreach (var block in _blocks)
        {
            foreach (var norm in block.Norms)
                yield return norm;
        }
        if (_head.FinalNorm is not null)
            yield return _head.FinalNorm;
    }

    /// <summary>Norm weights and all biases.</summary>
    private IEnumerable<Parameter> Vectors()
    {
        foreach (var norm in Norms())
        {
            yield return norm.Weight;
            if (norm.Bias is not null)
                yield return norm.Bias;
        }
        foreach (var linear in _linears)
            if (linear.Bias is not null)
                yield return linear.Bias;
        if (_head.Bias is not null)
            yield return _head.Bias;
    }

    private void ForEachLinear(Func<Linear, Linear> replace)
    {
        foreach (var block in _blocks)
        {
            var (attention, feedForward) = (block.Attention, block.FeedForward);
            attention.Query = replace(attention.Query);
            attention.Key = replace(attention.Key);
            attention.Value = replace(attention.Value);
            attention.Output = replace(attention.Output);
            feedForward.Replace(replace);
        }
    }

    private void ListParameters()
    {
        _linears = _blocks.SelectMany(LinearsOf).ToArray();
        foreach (var norm in Norms())
            norm.Train = _trainsAll;
        foreach (var linear in _linears)
            linear.TrainsBias = linear.Bias is not null && (_trainsAll || linear.Parameters.Contains(linear.Bias));
        var parameters = AllLinears.SelectMany(l => l.Parameters);
        if (_trainsAll)
            parameters = parameters.Concat(OuterMatrices().Select(m => m.Parameter!)).Concat(Vectors());
        _parameters = parameters.Distinct().ToArray();
    }
}
