namespace Vernier.Cli.Demo;

/// <summary>One exported file of the demonstration, loaded again.</summary>
/// <param name="Path">The GGUF file.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Formats">The tensor formats in it.</param>
/// <param name="CodesEqual">Its codes are those of the rounded model's file.</param>
/// <param name="ScalesChanged">Scales that differ from those of the rounded model's file.</param>
/// <param name="ScalesTotal">Scales of the file.</param>
/// <param name="Measured">Perplexities and a sample, by the file's own tokenizer.</param>
internal sealed record DemoExport(string Path, long Bytes, IReadOnlyList<string> Formats, bool CodesEqual, long ScalesChanged, long ScalesTotal, DemoRow Measured);
