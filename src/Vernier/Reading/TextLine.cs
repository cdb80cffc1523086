namespace Vernier.Reading;

/// <summary>One line of a text file, without its line feed.</summary>
/// <param name="Bytes">UTF-8, checked.</param>
/// <param name="Number">From 1.</param>
internal readonly record struct TextLine(ReadOnlyMemory<byte> Bytes, int Number)
{
    /// <summary>White space as JSON has it, or nothing.</summary>
    public bool IsBlank => Bytes.Span.Trim(" \t\r"u8).IsEmpty;
}
