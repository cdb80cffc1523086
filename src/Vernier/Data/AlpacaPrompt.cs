namespace Vernier.Data;

/// <summary>The prompt that Stanford Alpaca put around an instruction; data with <c>instruction</c>, <c>input</c>, <c>output</c> is tuned on it.</summary>
internal static class AlpacaPrompt
{
    /// <summary>How it begins, with and without an input.</summary>
    internal const string Start = "Below is an instruction that describes a task";

    /// <summary>The text before the answer.</summary>
    /// <param name="input">What the instruction is about; empty = none.</param>
    public static string Text(string instruction, string input) => input.Length == 0
        ? $"{Start}. Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Response:\n"
        : $"{Start}, paired with an input that provides further context. Write a response that appropriately completes the request.\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n";
}
