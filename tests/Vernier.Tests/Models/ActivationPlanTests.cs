using Vernier.Models;

namespace Vernier.Tests.Models;

public class ActivationPlanTests
{
    [Fact]
    public void A_kept_block_takes_at_most_the_bytes_that_the_plan_counts()
    {
        using var compute = new Compute(1);
        using var decoder = TinyModel.Create();
        var ids = TinyModel.Ids(decoder.Config, 40, 1);
        var batch = new TokenBatch(ids, [0, ids.Length], ids);
        decoder.Accumulate(compute, batch, 1);
        var without = decoder.ActivationBytes;
        decoder.KeptBlocks = 1;
        decoder.Accumulate(compute, batch, 1);
        // No layer here needs its own output, for which the plan counts two hidden states.
        var outputs = 2L * sizeof(float) * ids.Length * decoder.Config.HiddenSize;
        Assert.Equal(ActivationPlan.BlockBytes(decoder.Config, ids.Length) - outputs, decoder.ActivationBytes - without);
        decoder.KeptBlocks = 0;
        decoder.Accumulate(compute, batch, 1);
        Assert.Equal(without, decoder.ActivationBytes);
        decoder.DisposeActivations();
        Assert.Equal(0, decoder.ActivationBytes);
    }

    [Fact]
    public void As_many_blocks_are_kept_as_fit()
    {
        var config = TinyModel.Config() with { Layers = 10 };
        var (least, block) = (ActivationPlan.LeastBytes(config, 64), ActivationPlan.BlockBytes(config, 64));
        Assert.Equal(new ActivationPlan(0, least), ActivationPlan.For(config, 64, 0));
        Assert.Equal(new ActivationPlan(3, least + 3 * block), ActivationPlan.For(config, 64, least + 4 * block - 1));
        Assert.Equal(9, ActivationPlan.For(config, 64, long.MaxValue / 2).KeptBlocks);
    }
}
