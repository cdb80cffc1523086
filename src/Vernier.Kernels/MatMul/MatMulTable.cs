namespace Vernier.Kernels;

/// <summary>All bodies of one door, best first: the first one that the machine can run and that serves the shape is taken. The only place where a body is chosen.</summary>
internal sealed class MatMulTable<TBody>(params MatMulTable<TBody>.Row[] rows)
    where TBody : class, IMatMulBody
{
    /// <summary>Best first.</summary>
    public IReadOnlyList<Row> Rows => rows;

    /// <summary>Whether any body at this tier or below serves the shape.</summary>
    public bool Serves(InstructionTier tier, MatMulShape shape) => Find(tier, shape) is not null;

    /// <exception cref="NotSupportedException">None serves the shape.</exception>
    public TBody Choose(InstructionTier tier, MatMulShape shape) =>
        Find(tier, shape) ?? throw new NotSupportedException($"No body at {tier} serves {shape}.");

    private TBody? Find(InstructionTier tier, MatMulShape shape)
    {
        foreach (var row in rows)
            if (row.Tier <= tier && row.Serves(shape))
                return row.Body;
        return null;
    }

    /// <param name="body">Has no state.</param>
    /// <param name="shapes">Which shapes it serves, in words.</param>
    /// <param name="serves">The same to be computed with.</param>
    public sealed class Row(TBody body, string shapes, Func<MatMulShape, bool> serves)
    {
        public TBody Body { get; } = body;

        public InstructionTier Tier { get; } = body.Tier;

        public string Shapes => shapes;

        public Func<MatMulShape, bool> Serves => serves;
    }
}
