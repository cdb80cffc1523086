using Vernier.Models;

namespace Vernier.Tests.Models;

public class DecoderTrainingTests
{
    private static readonly int[] s_starts = [0, 9, 10, 23];

    /// <summary>
    /// The loss is computed in fp32 and rounds by about 1e-6, so the step is large; what is left of the third derivative is taken away by a second step
    /// of twice the length (Richardson). Measured over all parameters: off by at most 5e-5, and by 8e-5 where the slope is 1.2.
    /// </summary>
    [Fact]
    public void Gradients_follow_finite_differences()
    {
        using var compute = new Compute(2);
        using var decoder = TinyModel.Create();
        decoder.TrainAll(true);
        var batch = Batch(decoder);
        decoder.Accumulate(compute, batch, 1);
        var random = new Random(5);
        foreach (var parameter in decoder.Parameters)
        {
            // Along a random direction of unit length, many elements at once.
            var value = parameter.Value.Span;
            var direction = new float[value.Length];
            var norm = 0.0;
            for (var i = 0; i < direction.Length; i++)
                norm += Math.Pow(direction[i] = (float)(random.NextDouble() - 0.5), 2);
            var slope = 0.0;
            for (var i = 0; i < direction.Length; i++)
                slope += parameter.Gradient.Span[i] * (direction[i] /= (float)Math.Sqrt(norm));
            var start = value.ToArray();
            var expected = (4 * Difference(1e-2f) - Difference(2e-2f)) / 3;
            start.CopyTo(value);
            var tolerance = 1.5e-4 + 3e-4 * Math.Abs(slope);
            Assert.True(Math.Abs(slope) > 10 * tolerance, $"{parameter.Name}: a slope of {slope} proves little");
            Assert.Equal(expected, slope, tolerance);

            double Difference(float step) => (Loss(step) - Loss(-step)) / (2 * step);

            double Loss(float step)
            {
                for (var i = 0; i < start.Length; i++)
                    parameter.Value.Span[i] = start[i] + step * direction[i];
                return decoder.SumNegativeLogLikelihood(compute, batch);
            }
        }
    }

    [Fact]
    public void Sequences_of_a_batch_do_not_see_each_other()
    {
        using var compute = new Compute(2);
        using var decoder = TinyModel.Create();
        var batch = Batch(decoder);
        var apart = 0.0;
        for (var s = 0; s < batch.Sequences; s++)
        {
            var range = batch.Starts[s]..batch.Starts[s + 1];
            var ids = batch.Ids[range];
            apart += decoder.SumNegativeLogLikelihood(compute, new TokenBatch(ids, [0, ids.Length], batch.Targets[range]));
        }
        Assert.Equal(apart, decoder.SumNegativeLogLikelihood(compute, batch), 1e-3);
    }

    [Fact]
    public void Same_input_same_bits_however_many_blocks_are_kept()
    {
        using var compute = new Compute(2);
        using var decoder = TinyModel.Create();
        var batch = Batch(decoder);
        float[][]? first = null;
        for (var run = 0; run < 4; run++)
        {
            decoder.KeptBlocks = run % 2;
            foreach (var parameter in decoder.Parameters)
                parameter.Gradient.Span.Clear();
            decoder.Accumulate(compute, batch, 0.5f);
            var gradients = decoder.Parameters.Select(p => p.Gradient.Span.ToArray()).ToArray();
            first ??= gradients;
            for (var i = 0; i < gradients.Length; i++)
                Assert.Equal(first[i], gradients[i]);
        }
    }

    [Fact]
    public void A_steady_step_allocates_nothing()
    {
        using var compute = new Compute(1);
        using var decoder = TinyModel.Create();
        decoder.TrainAll(true);
        var batch = Batch(decoder);
        for (var i = 0; i < 30; i++)
            decoder.Accumulate(compute, batch, 1);
        var before = GC.GetAllocatedBytesForCurrentThread();
        decoder.Accumulate(compute, batch, 1);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void Blocks_below_the_first_trained_one_are_left_alone()
    {
        using var compute = new Compute(1);
        using var decoder = TinyModel.Create();
        var batch = Batch(decoder);
        decoder.Accumulate(compute, batch, 1);
        var last = decoder.Linears[^1];
        var expected = last.Parameters[0].Gradient.Span.ToArray();
        last.Parameters[0].Gradient.Span.Clear();
        decoder.ReplaceLinears(l => l == last ? l : new FrozenLinear(l.Name, l.Weight, l.Bias));
        Assert.Equal([last.Parameters[0]], decoder.Parameters);
        decoder.Accumulate(compute, batch, 1);
        Assert.Equal(expected, last.Parameters[0].Gradient.Span.ToArray());
    }

    [Fact]
    public void Bad_input_is_refused()
    {
        using var compute = new Compute(1);
        using var decoder = TinyModel.Create();
        Assert.Throws<ArgumentException>(() => decoder.SumNegativeLogLikelihood(compute, new TokenBatch([67], [0, 1], [1])));
        Assert.Throws<ArgumentException>(() => decoder.SumNegativeLogLikelihood(compute, new TokenBatch([-1], [0, 1], [1])));
        Assert.Throws<ArgumentException>(() => decoder.SumNegativeLogLikelihood(compute, new TokenBatch([1], [0, 1], [67])));
        Assert.Throws<ArgumentException>(() => decoder.ReplaceLinears(l => new FrozenLinear("other", l.Weight)));
    }

    private static TokenBatch Batch(Decoder decoder)
    {
        var ids = TinyModel.Ids(decoder.Config, s_starts[^1], 11);
        var targets = TinyModel.Ids(decoder.Config, s_starts[^1], 12);
        targets[4] = targets[22] = TokenBatch.NoTarget;
        return new TokenBatch(ids, s_starts, targets);
    }
}
