namespace Vernier.Files.Hub;

/// <summary>A file that goes to the hub.</summary>
/// <param name="Name">In the repository.</param>
internal sealed record HubUploadFile(string Path, string Name, long Size);
