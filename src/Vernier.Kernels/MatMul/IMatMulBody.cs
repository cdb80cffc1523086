namespace Vernier.Kernels;

/// <summary>One body of a matrix product, as the <see cref="MatMulTable{TBody}"/> of its door lists it.</summary>
internal interface IMatMulBody
{
    /// <summary>What tables, tests and benchmarks call it: shape and width.</summary>
    string Name => GetType().Name;

    /// <summary>The vectors that it needs.</summary>
    InstructionTier Tier { get; }
}
