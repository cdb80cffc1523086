namespace Vernier.Tokens.Templates;

/// <summary>A chat template that cannot be parsed or rendered, or that refuses the messages by <c>raise_exception</c> (the message is then the template's own).</summary>
/// <param name="line">The line of the template, from 1.</param>
public sealed class TemplateException(string message, int line, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The line of the template, from 1.</summary>
    public int Line { get; } = line;
}
