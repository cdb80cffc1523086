namespace Vernier.Files.Hub;

/// <summary>What was written.</summary>
/// <param name="Repository">OWNER/NAME.</param>
/// <param name="Commit">The new commit.</param>
/// <param name="Url">Where people see it.</param>
/// <param name="Files">Names in the repository.</param>
/// <param name="Bytes">Bytes that the hub did not have yet.</param>
internal sealed record HubPush(string Repository, string Commit, string Url, IReadOnlyList<string> Files, long Bytes);
