using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101), as torch.optim.AdamW computes it.</summary>
internal static unsafe class AdamW
{
    /// <summary>value *= 1 - rate·decay; m = β1 m + (1 - β1) g; v = β2 v + (1 - β2) g²;
    /// value -= rate · (m / (1 - β1^step)) / (√(v / (1 - β2^step)) + ε). All spans of one length.</summary>
    /// <param name="gradient">Multiplied by <paramref name="gradientScale"/> (the clip) as it is read.</param>
    /// <param name="step">Counts from 1.</param>
    public static void Step(
        WorkerPool pool, ReadOnlySpan<float> gradient, AdamWSettings settings, double learningRate, double weightDecay, long step, float gradientScale,
        Span<float> firstMoment, Span<float> secondMoment, Span<float> value)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(step, 1);
        Shapes.Require(gradient.Length, 1, value.Length, nameof(gradient));
        Shapes.Require(firstMoment.Length, 1, value.Length, nameof(firstMoment));
        Shapes.Require(secondMoment.Length, 1, value.Length, nameof(secondMoment));
        var correction = 1 - Math.Pow(settings.Beta2, step);
        fixed (float* pg = gradient, pm = firstMoment, pv = secondMoment, px = value)
        {
            var kernel = new StepKernel
            {
                Gradient = pg,
                First = pm,
                Second = pv,
                Value = px,
                Length = value.Length,
                GradientScale = gradientScale,
                Beta1 = (float)settings.Beta1,
                Rest1 = (float)(1 - settings.Beta1),
                Beta2 = (float)settings.Beta2,
                Rest2 = (float)(1 - settings.Beta2),
                Keep = (float)(1 - learningRate * weightDecay),
                Rate = (float)(learningRate / (1 - Math.Pow(settings.Beta1, step))),
                RootCorrection = (float)Math.Sqrt(correction),
                Epsilon = (float)settings.Epsilon,
            };
            Kernel.Run(pool, ref kernel, value.Length * 10L);
        }
    }

    private struct StepKernel : IKernel
    {
        public float* Gradient, First, Second, Value;
        public int Length;
        public float GradientScale, Beta1, Rest1, Beta2, Rest2, Keep, Rate, RootCorrection, Epsilon;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (i, end) = WorkSplit.Share(Length, worker, workers, 64);
            for (; i <= end - V.Count; i += V.Count)
            {
                Update(V.Load(Gradient + i), V.Load(First + i), V.Load(Second + i), V.Load(Value + i), out var first, out var second, out var value);
                first.Store(First + i);
                second.Store(Second + i);
                value.Store(Value + i);
            }
            if (i < end)
            {
                var rest = end - i;
                Update(
                    LaneMath.LoadPartial<V>(Gradient + i, rest), LaneMath.LoadPartial<V>(First + i, rest), LaneMath.LoadPartial<V>(Second + i, rest),
                    LaneMath.LoadPartial<V>(Value + i, rest), out var first, out var second, out var value);
                LaneMath.StorePartial(first, First + i, rest);
                LaneMath.StorePartial(second, Second + i, rest);
                LaneMath.StorePartial(value, Value + i, rest);
            }
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private readonly void Update<V>(V gradient, V oldFirst, V oldSecond, V oldValue, out V first, out V second, out V value)
            where V : unmanaged, ILanes<V>
        {
            gradient *= V.Create(GradientScale);
            first = V.MultiplyAdd(oldFirst, V.Create(Beta1), gradient * V.Create(Rest1));
            second = V.MultiplyAdd(oldSecond, V.Create(Beta2), gradient * gradient * V.Create(Rest2));
            var denominator = V.Sqrt(second) / V.Create(RootCorrection) + V.Create(Epsilon);
            value = oldValue * V.Create(Keep) - V.Create(Rate) * (first / denominator);
        }
    }
}
