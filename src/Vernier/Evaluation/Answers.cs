using Vernier.Generation;
using Vernier.Models;
using Vernier.Tokens;

namespace Vernier.Evaluation;

/// <summary>The generator of generation tasks, over a model.</summary>
internal static class Answers
{
    /// <summary>Answers by the most likely token at every step, up to an end token.</summary>
    /// <exception cref="ArgumentException">The model has no tokenizer, or no chat template where one is asked for.</exception>
    public static TextGenerator Greedy(LoadedModel model, CancellationToken cancel = default) => (prompt, chat, maxTokens) =>
    {
        var tokenizer = model.Tokenizer ?? throw new ArgumentException("generation from text needs a model with a tokenizer");
        if (chat)
        {
            var template = model.ChatTemplate ?? throw new ArgumentException("the model has no chat template");
            prompt = template.Render([new ChatMessage("user", prompt)], addGenerationPrompt: true, tokenizer);
        }
        var ids = chat ? tokenizer.Encode(prompt) : ContinuationEncoding.EncodeText(tokenizer, prompt);
        using var generator = new TokenGenerator(model);
        var options = new GenerationOptions { MaxTokens = maxTokens, Sampling = new SamplingOptions { Temperature = 0 } };
        return tokenizer.Decode(generator.Generate(ids, options, cancel).Where(t => t.Ends != StopReason.EndToken).Select(t => t.Id));
    };
}
