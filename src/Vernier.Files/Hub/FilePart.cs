using Vernier.Files.Disk;

namespace Vernier.Files.Hub;

/// <summary>Bytes [from, from + length) of a file, as a stream of their own.</summary>
internal sealed class FilePart : ForwardStream
{
    private readonly FileStream _file;

    public FilePart(string path, long from, long length)
        : this(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read) { Position = from }, length)
    {
    }

    private FilePart(FileStream file, long length)
        : base(file) => (_file, Length) = (file, length);

    public override long Length { get; }

    protected override int ReadNext(Span<byte> buffer) => _file.Read(buffer[..(int)Math.Min(buffer.Length, Length - BytesRead)]);
}
