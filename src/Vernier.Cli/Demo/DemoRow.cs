namespace Vernier.Cli.Demo;

/// <summary>One line of the demonstration's table: the perplexity of one state of the model on held-out text of each kind.</summary>
/// <param name="Model">full precision, rounded, or the name of the task whose scales are in use.</param>
/// <param name="Stories">Perplexity of stories, the text that the model was made from.</param>
/// <param name="Backwards">Perplexity of the first task's text.</param>
/// <param name="Facts">Perplexity of the second task's text.</param>
/// <param name="Sample">What this state of the model writes after an empty line, greedily.</param>
internal sealed record DemoRow(string Model, double Stories, double Backwards, double Facts, string Sample);
