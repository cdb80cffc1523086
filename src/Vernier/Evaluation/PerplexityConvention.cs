namespace Vernier.Evaluation;

/// <summary>How a text is cut into windows and which tokens are scored. The figures differ widely, so a perplexity without its convention says little.</summary>
public enum PerplexityConvention
{
    /// <summary>GPTQ's, used by most papers on quantization: windows side by side, all but the first token of each are scored.</summary>
    Gptq,

    /// <summary>llama.cpp's: windows side by side, only the second half of each is scored.</summary>
    Llamacpp,

    /// <summary>Hugging Face's guide: windows advance by half their length, each token is scored once, with the longest context.</summary>
    Strided,

    /// <summary>lm-evaluation-harness' rolling log-likelihood over documents; gives perplexity by word and by byte too.</summary>
    LmEval,
}
