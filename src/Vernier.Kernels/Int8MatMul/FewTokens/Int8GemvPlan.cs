namespace Vernier.Kernels;

/// <summary>The bodies of one product.</summary>
/// <param name="Body">Takes all rows but a rest that does not fill its <see cref="IInt8GemvBody.RowsAtOnce"/>.</param>
/// <param name="Rest">Takes single rows.</param>
internal readonly record struct Int8GemvPlan(IInt8GemvBody Body, IInt8GemvBody Rest);
