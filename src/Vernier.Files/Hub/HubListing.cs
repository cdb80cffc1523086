namespace Vernier.Files.Hub;

/// <summary>What a revision of a repository holds.</summary>
/// <param name="Commit">The commit that the revision stands for now.</param>
internal sealed record HubListing(string Commit, IReadOnlyList<HubFile> Files);
