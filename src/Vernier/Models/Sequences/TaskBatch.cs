using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The tasks of a batch's tokens, laid out weight by weight as products read them. Made once and kept while the tasks stay the same, token after token:
/// to look everything up for each product waits for memory again and again.</summary>
internal sealed class TaskBatch(TaskScales?[] tasks)
{
    private readonly Dictionary<PackedMatrix, Product> _products = new(ReferenceEqualityComparer.Instance);
    private readonly int[] _order = [.. Enumerable.Range(0, tasks.Length).OrderBy(t => Array.IndexOf(tasks, tasks[t]))];

    /// <summary>One for each token, null = none.</summary>
    public ReadOnlySpan<TaskScales?> Tasks => tasks;

    /// <summary>The tokens task by task: those of the first token's task come first.</summary>
    public ReadOnlySpan<int> Order => _order;

    /// <summary>What the tasks do to one weight.</summary>
    public Product Of(PackedMatrix weight)
    {
        if (!_products.TryGetValue(weight, out var product))
            _products[weight] = product = Create(weight);
        return product;
    }

    private Product Create(PackedMatrix weight)
    {
        TaskScales.Entry?[] entries = [.. tasks.Select(t => t?.Of(weight))];
        if (entries.Any(e => e is { HasFactors: false }))
            return new Product(false, null, null);
        float[]?[]? rows = entries.Any(e => e?.Row is not null) ? [.. entries.Select(e => e?.Row)] : null;
        if (entries.All(e => e?.Column is null))
            return new Product(true, rows, null);
        var columns = new float[tasks.Length * weight.Groups];
        columns.AsSpan().Fill(1);
        for (var t = 0; t < tasks.Length; t++)
            entries[t]?.Column?.CopyTo(columns, t * weight.Groups);
        return new Product(true, rows, columns);
    }

    /// <param name="HasFactors">All tasks are factors of rows and of groups of columns.</param>
    /// <param name="Rows">[tokens] of [out]; null = ones, for one token or for all.</param>
    /// <param name="Columns">[tokens, groups]; null = ones.</param>
    internal sealed record Product(bool HasFactors, float[]?[]? Rows, float[]? Columns);
}
