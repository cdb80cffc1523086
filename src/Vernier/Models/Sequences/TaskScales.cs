using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>One task of PEQA for a decoder: other scales for its packed weights. In a batch every sequence may have its own.</summary>
internal sealed class TaskScales
{
    private readonly Dictionary<PackedMatrix, Entry> _entries = new(ReferenceEqualityComparer.Instance);

    internal TaskScales()
    {
    }

    /// <summary>Takes in what the task makes of one weight.</summary>
    /// <param name="own">The same codes with the task's scales. This object does not own it.</param>
    /// <param name="row">[out]: with <paramref name="column"/> a shorter way to say the same: scales = base * row * column; null = 1.</param>
    /// <param name="column">[groups]; null = 1.</param>
    /// <param name="hasFactors">The factors say it all.</param>
    internal void Add(PackedMatrix weight, PackedMatrix own, float[]? row, float[]? column, bool hasFactors) =>
        _entries[weight] = new Entry(own, row, column, hasFactors);

    /// <summary>The task's part for a weight; null = the task leaves it alone.</summary>
    internal Entry? Of(PackedMatrix weight) => _entries.GetValueOrDefault(weight);

    /// <summary>All weights that the task has scales for.</summary>
    internal IEnumerable<KeyValuePair<PackedMatrix, Entry>> Entries => _entries;

    /// <summary>What a task does to one weight.</summary>
    internal sealed record Entry(PackedMatrix Weight, float[]? Row, float[]? Column, bool HasFactors);
}
