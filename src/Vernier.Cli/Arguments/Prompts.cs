using Vernier.Tokens;

namespace Vernier.Cli.Arguments;

/// <summary>Texts to the ids that a model is fed.</summary>
internal static class Prompts
{
    /// <summary>The model's tokenizer.</summary>
    /// <exception cref="InvalidDataException">It has none, or a damaged one.</exception>
    /// <exception cref="NotSupportedException">It has one that asks for something that is not done here.</exception>
    public static ITokenizer Tokenizer(LanguageModel model) =>
        (model.TokenizerProblem is { } problem ? throw problem : model.Tokenizer) ?? throw new InvalidDataException($"{model.Source.Path}: the model has no tokenizer; give token ids");

    /// <summary>A prompt with BOS where the model wants it; an empty prompt is BOS alone.</summary>
    public static int[] Encode(LanguageModel model, string text)
    {
        try
        {
            return model.EncodePrompt(text);
        }
        catch (ArgumentException)
        {
            throw new UsageException("the prompt is empty and the model has no BOS token");
        }
    }
}
