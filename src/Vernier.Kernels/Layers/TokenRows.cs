using System.Runtime.CompilerServices;

namespace Vernier.Kernels;

/// <summary>Rows of tokens that are taken out to where they are computed, and put together again: a token may be computed in several places (mixture of experts).
/// A place is one computed row.</summary>
internal static unsafe class TokenRows
{
    /// <summary>y [places, width] = scales [places] · x [tokens, width] of the place's token.</summary>
    /// <param name="tokens">[places].</param>
    /// <param name="scales">[places]; empty = ones.</param>
    public static void Gather(WorkerPool pool, ReadOnlySpan<float> x, int width, ReadOnlySpan<int> tokens, ReadOnlySpan<float> scales, Span<float> y)
    {
        Shapes.Require(y.Length, tokens.Length, width, nameof(y));
        Require(tokens, x.Length / width, scales, tokens.Length);
        fixed (float* px = x, ps = scales, py = y)
        fixed (int* pt = tokens)
        {
            var kernel = new GatherKernel { X = px, Y = py, Scales = ps, Tokens = pt, Places = tokens.Length, Width = width };
            Kernel.Run(pool, ref kernel, y.Length * 2L);
        }
    }

    /// <summary>y [tokens, width] += the sum over a token's places of scales [places] · x [places, width], in the order in which <paramref name="places"/> names them.</summary>
    /// <param name="places">[tokens, places of a token].</param>
    /// <param name="scales">[places]; empty = ones.</param>
    public static void Combine(WorkerPool pool, ReadOnlySpan<float> x, int width, ReadOnlySpan<int> places, int placesOfToken, ReadOnlySpan<float> scales, Span<float> y)
    {
        Shapes.Require(y.Length, places.Length / placesOfToken, width, nameof(y));
        Require(places, x.Length / width, scales, x.Length / width);
        fixed (float* px = x, ps = scales, py = y)
        fixed (int* pp = places)
        {
            var kernel = new CombineKernel { X = px, Y = py, Scales = ps, Places = pp, Tokens = places.Length / placesOfToken, PlacesOfToken = placesOfToken, Width = width };
            Kernel.Run(pool, ref kernel, x.Length * 2L);
        }
    }

    /// <summary>dots [places] = x [places, width] · y [tokens, width] of the place's token.</summary>
    /// <param name="tokens">[places].</param>
    public static void Dots(WorkerPool pool, ReadOnlySpan<float> x, ReadOnlySpan<float> y, int width, ReadOnlySpan<int> tokens, Span<float> dots)
    {
        Shapes.Require(x.Length, tokens.Length, width, nameof(x));
        Require(tokens, y.Length / width, dots, tokens.Length);
        fixed (float* px = x, py = y, pd = dots)
        fixed (int* pt = tokens)
        {
            var kernel = new DotKernel { X = px, Y = py, Dots = pd, Tokens = pt, Places = tokens.Length, Width = width };
            Kernel.Run(pool, ref kernel, x.Length * 2L);
        }
    }

    private static void Require(ReadOnlySpan<int> rows, int limit, ReadOnlySpan<float> scales, int places)
    {
        foreach (var row in rows)
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)row, (uint)limit, nameof(rows));
        if (!scales.IsEmpty)
            Shapes.Require(scales.Length, places, 1, nameof(scales));
    }

    private struct GatherKernel : IKernel
    {
        public float* X, Y, Scales;
        public int* Tokens;
        public int Places, Width;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Places, worker, workers);
            for (var place = start; place < end; place++)
            {
                float* source = X + (long)Tokens[place] * Width, target = Y + (long)place * Width;
                var scale = Scales == null ? 1f : Scales[place];
                var scales = V.Create(scale);
                var c = 0;
                for (; c <= Width - V.Count; c += V.Count)
                    (V.Load(source + c) * scales).Store(target + c);
                for (; c < Width; c++)
                    target[c] = source[c] * scale;
            }
        }
    }

    private struct CombineKernel : IKernel
    {
        public float* X, Y, Scales;
        public int* Places;
        public int Tokens, PlacesOfToken, Width;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Tokens, worker, workers);
            for (var token = start; token < end; token++)
                for (var p = 0; p < PlacesOfToken; p++)
                {
                    var place = Places[(long)token * PlacesOfToken + p];
                    float* source = X + (long)place * Width, target = Y + (long)token * Width;
                    var scale = Scales == null ? 1f : Scales[place];
                    var scales = V.Create(scale);
                    var c = 0;
                    for (; c <= Width - V.Count; c += V.Count)
                        (V.Load(target + c) + V.Load(source + c) * scales).Store(target + c);
                    for (; c < Width; c++)
                        target[c] += source[c] * scale;
                }
        }
    }

    private struct DotKernel : IKernel
    {
        public float* X, Y, Dots;
        public int* Tokens;
        public int Places, Width;

        [MethodImpl(Kernel.Body)]
        public readonly void Execute<V>(int worker, int workers)
            where V : unmanaged, ILanes<V>
        {
            var (start, end) = WorkSplit.Share(Places, worker, workers);
            for (var place = start; place < end; place++)
            {
                float* a = X + (long)place * Width, b = Y + (long)Tokens[place] * Width;
                var sums = V.Create(0f);
                var c = 0;
                for (; c <= Width - V.Count; c += V.Count)
                    sums = V.MultiplyAdd(V.Load(a + c), V.Load(b + c), sums);
                var sum = V.Sum(sums);
                for (; c < Width; c++)
                    sum += a[c] * b[c];
                Dots[place] = sum;
            }
        }
    }
}
