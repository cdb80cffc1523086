using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vernier.Data;
using Vernier.Models;

namespace Vernier.Tuning;

/// <summary>Everything that the losses of a run depend on, as names and values: a run is resumed only with the same.</summary>
internal static class RunIdentity
{
    // They say when to look, save and stop, what to leave, or how much to recompute; not what is computed.
    private static readonly string[] s_free = ["eval-every", "checkpoint-every", "stop-after", "memory-limit", "keep", "patience", "base-model"];

    // Checkpoints of version 0.3 and before do not have these options; their defaults are what they did (of the first, for all files but K-quants).
    private static readonly (string, string)[] s_added = [("allow-unexportable", "false"), ("tune-head", "false")];

    /// <param name="options">All values resolved.</param>
    /// <param name="model">Hash of the model as it was loaded.</param>
    public static SortedDictionary<string, string> Of(TuneOptions options, string model, TrainingData data, Compute compute)
    {
        var identity = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["model"] = model,
            ["data"] = data.Sha256(),
            ["compute"] = compute.Mode.ToString().ToLowerInvariant(),
        };
        foreach (var (name, value) in RunFile.Values(options))
            if (!s_free.Contains(name) && !s_added.Contains((name, value)))
                identity[name] = value;
        return identity;
    }

    /// <exception cref="InvalidDataException">They differ: says in what.</exception>
    public static void RequireSame(string checkpoint, IReadOnlyDictionary<string, string> was, IReadOnlyDictionary<string, string> now)
    {
        var differences = was.Keys.Union(now.Keys).Order(StringComparer.Ordinal)
            .Where(name => was.GetValueOrDefault(name) != now.GetValueOrDefault(name))
            .Select(name => name is "data" or "model"
                ? $"the {name} {(name == "data" ? "are" : "is")} not the same"
                : $"{name} was {was.GetValueOrDefault(name) ?? "not set"} and is {now.GetValueOrDefault(name) ?? "not set"}")
            .ToArray();
        if (differences.Length > 0)
            throw new InvalidDataException($"{checkpoint}: cannot go on with another run: {string.Join("; ", differences)}. Give what the run began with, or start anew in another folder");
    }

    /// <summary>SHA-256 over the shapes and the first row of every linear and over the norms and biases: cheap, and another model has another.</summary>
    public static string HashModel(Decoder decoder)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var (name, matrix, vector) in decoder.Weights())
        {
            hash.AppendData(System.Text.Encoding.UTF8.GetBytes(name));
            if (matrix is not null)
            {
                var row = new float[matrix.Columns];
                matrix.ReadTile(0, 1, 0, matrix.Columns, row, matrix.Columns);
                hash.AppendData(MemoryMarshal.AsBytes<int>([matrix.Rows, matrix.Columns]));
                hash.AppendData(MemoryMarshal.AsBytes<float>(row));
            }
            if (vector is not null)
                hash.AppendData(MemoryMarshal.AsBytes(vector.Value.Span));
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
