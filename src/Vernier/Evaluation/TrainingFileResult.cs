namespace Vernier.Evaluation;

/// <summary>Loss and perplexity of the scored tokens of a training file, with the prompts, the mask and the rows that tuning has.</summary>
public sealed record TrainingFileResult(string Task) : EvaluationResult(Task)
{
    /// <summary>training-file.</summary>
    public string Convention { get; } = "training-file";

    /// <summary>Tokens that a row can have.</summary>
    public required int Context { get; init; }

    /// <summary>Rows: samples that share one never see each other.</summary>
    public required int Windows { get; init; }

    /// <summary>Tokens scored.</summary>
    public required long Tokens { get; init; }

    /// <summary>Tokens of all rows, scored or not.</summary>
    public required long TextTokens { get; init; }

    /// <summary>Mean negative log-likelihood of a scored token, in nats: the validation loss that <c>tune --eval-data</c> takes.</summary>
    public required double Nll { get; init; }

    /// <summary>exp(<see cref="Nll"/>).</summary>
    public double Perplexity => Math.Exp(Nll);

    /// <summary>The prompt has a loss too.</summary>
    public required bool TrainOnPrompt { get; init; }

    /// <summary>text, ids, completion, alpaca, natural-instructions or chat; null where the samples differ.</summary>
    public required string? PromptForm { get; init; }

    /// <summary>Samples in the file: records, or 1 for a text.</summary>
    public required int Samples { get; init; }

    /// <summary>Samples that no row holds: they have no token with a loss, or none within the context.</summary>
    public required int LeftOut { get; init; }

    /// <summary>Samples whose end did not fit the context.</summary>
    public required int Cut { get; init; }

    /// <summary>Documents longer than the context, which go on in further rows.</summary>
    public required int Continued { get; init; }

    /// <summary>Tokens at the end of a text that did not fill a row.</summary>
    public required int TokensLeftOut { get; init; }

    /// <summary>What a user must know about how the data was taken.</summary>
    public required IReadOnlyList<string> Notes { get; init; }
}
