namespace Vernier.Cli.Demo;

/// <summary>Sizes of the demonstration. The defaults take about 50 s of one core: a small model that holds about as much as it can,
/// so that rounding it costs something.</summary>
internal sealed record DemoOptions
{
    /// <summary>Seed of everything random.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Worker threads; 0 = one for each processor.</summary>
    public int Threads { get; init; }

    /// <summary>Lines of stories that the model is made from.</summary>
    public int StoryLines { get; init; } = 4000;

    /// <summary>Lines of text of each task.</summary>
    public int TaskLines { get; init; } = 1000;

    /// <summary>Lines of each kind that no training sees.</summary>
    public int HeldOutLines { get; init; } = 100;

    /// <summary>Tokens of the tokenizer that is trained.</summary>
    public int VocabularySize { get; init; } = 400;

    /// <summary>Channels of the model.</summary>
    public int HiddenSize { get; init; } = 32;

    /// <summary>Blocks of the model.</summary>
    public int Layers { get; init; } = 4;

    /// <summary>Attention heads of a block.</summary>
    public int Heads { get; init; } = 2;

    /// <summary>Channels of the feed-forward part.</summary>
    public int FeedForwardSize { get; init; } = 96;

    /// <summary>Tokens of a training sequence, and the context of the model.</summary>
    public int Context { get; init; } = 128;

    /// <summary>Sequences of a step.</summary>
    public int Batch { get; init; } = 8;

    /// <summary>Steps that make the model.</summary>
    public int Steps { get; init; } = 1100;

    /// <summary>Steps that tune each task.</summary>
    public int TaskSteps { get; init; } = 250;

    /// <summary>Bits of the quantized model.</summary>
    public int Bits { get; init; } = 3;

    /// <summary>Columns that share a scale; 0 = a whole row.</summary>
    public int Group { get; init; }
}
