namespace Vernier.Evaluation;

/// <summary>Greedy generation, as evaluation needs it: the model's answer to a prompt, without the end token.</summary>
/// <param name="chat">The prompt is a user message of the model's chat template.</param>
internal delegate string TextGenerator(string prompt, bool chat, int maxTokens);
