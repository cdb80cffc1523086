namespace Vernier.Fingerprint;

/// <summary>One call of the program and what it leaves.</summary>
/// <param name="Name">Of its hashes, and of the file or folder that it writes.</param>
/// <param name="Arguments">Of the program; paths are relative to the tier's folder.</param>
internal sealed record Job(string Name, params string[] Arguments);

/// <summary>Jobs that need each other's results, in order. Tracks need nothing of each other and run side by side.</summary>
internal sealed record Track(string Name, IReadOnlyList<Job> Jobs);
