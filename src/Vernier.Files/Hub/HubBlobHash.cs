using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Vernier.Files.Hub;

/// <summary>The hash of a file's bytes as they come: SHA-256 for LFS; for others git's, SHA-1 of <c>blob SIZE</c>, a zero and the bytes.</summary>
internal sealed class HubBlobHash : IDisposable
{
    private readonly IncrementalHash _hash;

    public HubBlobHash(HubFile file)
    {
        _hash = IncrementalHash.CreateHash(file.IsLfs ? HashAlgorithmName.SHA256 : HashAlgorithmName.SHA1);
        if (!file.IsLfs)
            _hash.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"blob {file.Size}\0")));
    }

    public void Append(ReadOnlySpan<byte> bytes) => _hash.AppendData(bytes);

    /// <summary>All bytes of a stream from its position on.</summary>
    public void Append(Stream stream, CancellationToken cancel)
    {
        var buffer = new byte[1 << 20];
        for (int read; (read = stream.Read(buffer)) > 0;)
        {
            cancel.ThrowIfCancellationRequested();
            Append(buffer.AsSpan(0, read));
        }
    }

    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();
}
