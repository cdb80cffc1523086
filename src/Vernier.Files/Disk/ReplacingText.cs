using System.Text;

namespace Vernier.Files.Disk;

/// <summary>Text, line by line, into a file that is put in place when it is complete.</summary>
internal sealed class ReplacingText : IDisposable
{
    private readonly ReplacingFile _file;

    /// <inheritdoc cref="ReplacingFile(string)"/>
    public ReplacingText(string path)
    {
        _file = new ReplacingFile(path);
        Writer = new StreamWriter(new Forward(_file), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), bufferSize: 1 << 14);
    }

    /// <summary>Takes the text.</summary>
    public TextWriter Writer { get; }

    /// <summary>Puts the new content in place.</summary>
    /// <exception cref="IOException">The disk is full or fails; the old content stays.</exception>
    public void Commit()
    {
        Writer.Flush();
        _file.Commit();
    }

    public void Dispose() => _file.Dispose(); // what the writer still holds is given up with the file

    /// <summary>A stream that can only be written.</summary>
    private sealed class Forward(ReplacingFile file) : Stream
    {
        public override bool CanRead => false;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => file.Position;
        public override long Position { get => file.Position; set => throw new NotSupportedException(); }

        public override void Flush()
        {
        }

        public override void Write(ReadOnlySpan<byte> buffer) => file.Write(buffer);
        public override void Write(byte[] buffer, int offset, int count) => file.Write(buffer.AsSpan(offset, count));
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
