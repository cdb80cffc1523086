namespace Vernier.Kernels;

/// <summary>Packed panels with the innermost product of one width.</summary>
internal sealed unsafe class GemmBlocked<TKernel> : IGemmBody, IGemmGradientBody
    where TKernel : IGemmKernel
{
    public string Name => typeof(TKernel).Name;

    public InstructionTier Tier => TKernel.Tier;

    public void Forward(WorkerPool pool, float* x, int tokens, WeightMatrix weight, float* y, bool accumulate) =>
        GemmDriver.Multiply<TKernel, RowSource, WeightRowSource>(
            pool, new(x, weight.Columns), new(weight), tokens, weight.Rows, weight.Columns, y, weight.Rows, accumulate);

    public void BackwardInput(WorkerPool pool, float* dy, int tokens, WeightMatrix weight, float* dx, bool accumulate) =>
        GemmDriver.Multiply<TKernel, RowSource, WeightColumnSource>(
            pool, new(dy, weight.Rows), new(weight), tokens, weight.Columns, weight.Rows, dx, weight.Columns, accumulate);

    public void WeightGradient(WorkerPool pool, float* dy, float* x, int tokens, int outFeatures, int inFeatures, IGradientTileSink sink) =>
        GemmDriver.MultiplyIntoSink<TKernel, ColumnSource, ColumnSource>(pool, new(dy, outFeatures), new(x, inFeatures), outFeatures, inFeatures, tokens, sink);
}
