namespace Vernier.Files.Disk;

/// <summary>A stream over another that is only read, once, from front to back; the other is closed with it.</summary>
internal abstract class ForwardStream(Stream source) : Stream
{
    public sealed override bool CanRead => true;
    public sealed override bool CanSeek => false;
    public sealed override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();
    public sealed override long Position { get => BytesRead; set => throw new NotSupportedException(); }

    /// <summary>What was read so far.</summary>
    protected long BytesRead { get; private set; }

    public sealed override int Read(Span<byte> buffer)
    {
        var read = ReadNext(buffer);
        BytesRead += read;
        return read;
    }

    public sealed override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public sealed override void Flush()
    {
    }

    public sealed override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public sealed override void SetLength(long value) => throw new NotSupportedException();
    public sealed override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>The next bytes; 0 at the end.</summary>
    protected abstract int ReadNext(Span<byte> buffer);

    protected sealed override void Dispose(bool disposing)
    {
        if (disposing)
            source.Dispose();
        base.Dispose(disposing);
    }
}
