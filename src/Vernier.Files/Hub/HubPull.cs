namespace Vernier.Files.Hub;

/// <summary>What is in the cache now.</summary>
/// <param name="Repository">OWNER/NAME.</param>
/// <param name="Revision">As it was asked for.</param>
/// <param name="Commit">What it stands for.</param>
/// <param name="Folder">The files by their names.</param>
/// <param name="Files">Those that were asked for.</param>
/// <param name="Bytes">Bytes that had to be brought.</param>
internal sealed record HubPull(string Repository, string Revision, string Commit, string Folder, IReadOnlyList<string> Files, long Bytes);
