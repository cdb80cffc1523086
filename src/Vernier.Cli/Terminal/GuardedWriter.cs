using System.Text;

namespace Vernier.Cli.Terminal;

/// <summary>What stands between all verbs and a standard stream. Text comes from files, users and models: where people read it, it is shown and never obeyed,
/// see <see cref="VisibleText"/>. A line that is written whole by WriteLine stays one line whatever its text holds. A progress line that is open gives way.</summary>
/// <param name="to">The stream's own writer; null where it could not be opened.</param>
/// <param name="visible">People read it: control characters are written out.</param>
/// <param name="before">Runs before anything is written; null = nothing does.</param>
/// <param name="failed">Gets why the stream cannot be written; may throw.</param>
internal sealed class GuardedWriter(TextWriter? to, bool visible, Action? before, Action<Exception> failed) : TextWriter
{
    public override Encoding Encoding => to?.Encoding ?? Encoding.UTF8;

    public override void Write(char value) => Write(value.ToString());

    public override void Write(char[] buffer, int index, int count) => Write(new string(buffer, index, count));

    public override void Write(ReadOnlySpan<char> buffer) => Write(new string(buffer));

    public override void Write(string? value)
    {
        if (!string.IsNullOrEmpty(value))
            Send(visible ? VisibleText.Lines(value) : value);
    }

    public override void WriteLine() => Send(Environment.NewLine);

    public override void WriteLine(string? value) => Send((visible ? VisibleText.Line(value ?? "") : value) + Environment.NewLine);

    public override void Flush() => Try(writer => writer.Flush());

    private void Send(string text)
    {
        before?.Invoke();
        Try(writer => writer.Write(text));
    }

    private void Try(Action<TextWriter> write)
    {
        try
        {
            write(to ?? throw new IOException("it is closed"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            failed(e);
        }
    }
}
