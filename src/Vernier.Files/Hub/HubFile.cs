namespace Vernier.Files.Hub;

/// <summary>A file of a repository at a commit.</summary>
/// <param name="Path">In the repository; checked.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Hash">Hexadecimal: SHA-256 of the content where it is kept by LFS, else git's SHA-1 of it. Its name among the blobs of the cache.</param>
internal sealed record HubFile(string Path, long Size, string Hash)
{
    private const int Sha256Digits = 64;

    /// <summary>The hash is SHA-256 of the bytes.</summary>
    public bool IsLfs => Hash.Length == Sha256Digits;
}
