namespace Vernier.Kernels;

/// <summary>All bodies of matrix products with what they are chosen for: the tables that choose them, read.</summary>
internal static class KernelList
{
    private const int Rows = 1024;

    private static readonly int[] s_columns = [576, 2048, 8192];
    private static readonly int[] s_tokens = [1, 2, 4, 8, 16, 64];

    /// <summary>Every body, those of a product together, best first.</summary>
    public static IReadOnlyList<KernelListing> Read() =>
    [
        .. Read("fp32 forward", GemmBodies.Forward),
        .. Read("fp32 gradients", GemmBodies.Gradients),
        .. Read("int8 forward", Int8Bodies.Forward),
        .. Read("int8 input gradient", Int8Bodies.InputGradient),
    ];

    private static IEnumerable<KernelListing> Read<TBody>(string product, MatMulTable<TBody> table)
        where TBody : class, IMatMulBody
    {
        var chosen = table.Rows.ToDictionary(row => row.Body, _ => new List<KernelShape>());
        var serving = new HashSet<TBody>();
        foreach (var shape in Shapes())
        {
            var tried = new MatMulShape(shape.Bits, shape.GroupSize == 0 ? shape.Columns : shape.GroupSize, Rows, shape.Columns, shape.Tokens);
            serving.UnionWith(table.Rows.Where(row => row.Serves(tried)).Select(row => row.Body));
            if (table.Serves(InstructionTiers.Best, tried))
                chosen[table.Choose(InstructionTiers.Best, tried)].Add(shape);
        }
        return table.Rows.Select(row => new KernelListing(
            product, row.Body.Name, row.Tier, row.Shapes, InstructionTiers.IsSupported(row.Tier) && serving.Contains(row.Body), chosen[row.Body]));
    }

    private static IEnumerable<KernelShape> Shapes() =>
        from tokens in s_tokens
        from columns in s_columns
        from groupSize in new[] { 16, 32, 64, 0 }
        from bits in Enumerable.Range(2, 7)
        select new KernelShape(bits, groupSize, columns, tokens);
}
