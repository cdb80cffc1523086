using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>An output gradient dY [tokens, rows] made ready for dX = dY Ŵ where scales are those of groups of columns, so that each group of
/// columns wants another product of gradient and scales. The scales are split into a factor c of each group, a factor r of each row, which dY is
/// multiplied by here, once, and what is left, at most 1; dY·r and what is left are numbers of 16 bits, whose product is cheap to make for each group.</summary>
internal sealed unsafe class GroupScaledGradient : IDisposable
{
    /// <summary>The largest gradient of a group, 127 * 2^8: rounded to multiples of 2^8 it is a byte.</summary>
    private const float Most = 127 << FractionBits;

    /// <summary>Digits of a gradient that rounding to bytes takes away.</summary>
    public const int FractionBits = 8;

    /// <summary>Of the middle code: at most 3 * 2^12 of it, with gradients of 2^15, leave four products and a fourth of them in 32 bits.</summary>
    public const int MiddleBits = 12;

    private const int GroupSize = QuantizedActivations.GroupSize;

    private NativeBuffer<short> _gradient = new(0);
    private NativeBuffer<float> _steps = new(0);
    private NativeBuffer<short> _scale = new(0);
    private NativeBuffer<short> _middle = new(0);
    private NativeBuffer<ushort> _noise = new(0);
    private NativeBuffer<float> _rowFactors = new(0);
    private NativeBuffer<float> _groupFactors = new(0);

    /// <summary>Rows of the weight, rounded up to whole chunks.</summary>
    public int Stride { get; private set; }

    /// <summary>Groups of rows of a token, the padding's included.</summary>
    public int Groups => Stride / GroupSize;

    /// <summary>[tokens, Stride]: dY·r in units of <see cref="Steps"/> / 2^8.</summary>
    public short* Gradient => _gradient.Pointer;

    /// <summary>[tokens, Groups]: what 1 stands for once rounded to bytes.</summary>
    public float* Steps => _steps.Pointer;

    /// <summary>[groups of the weight, Stride]: scale / (r c) in units of 2^-15.</summary>
    public short* Scale => _scale.Pointer;

    /// <summary>[groups of the weight, Stride]: weights of the middle code / (r c) in units of <see cref="MiddleStep"/>.</summary>
    public short* Middle => _middle.Pointer;

    /// <summary>What 1 stands for in <see cref="Middle"/>: the middle code where a scale is r c is 2^<see cref="MiddleBits"/>.</summary>
    public float MiddleStep { get; private set; }

    /// <summary>[groups of the weight]: c.</summary>
    public float* GroupFactors => _groupFactors.Pointer;

    /// <summary>[groups of the weight, Stride / 2]: uniform over all integers.</summary>
    public ushort* Noise => _noise.Pointer;

    /// <summary>Takes a gradient [tokens, rows of the weight] in.</summary>
    /// <param name="key">Same key, same noise.</param>
    public void Set(WorkerPool pool, float* dy, int tokens, PackedMatrix weight, uint key)
    {
        Stride = WorkSplit.RoundUp(weight.Rows, CodePlanes.Chunk);
        QuantizedActivations.Grow(ref _gradient, (tokens + QuantizedActivations.SpareTokens) * (long)Stride);
        QuantizedActivations.Grow(ref _steps, (tokens + QuantizedActivations.SpareTokens) * (long)Groups);
        QuantizedActivations.Grow(ref _scale, (long)weight.Groups * Stride);
        QuantizedActivations.Grow(ref _middle, (long)weight.Groups * Stride);
        QuantizedActivations.Grow(ref _noise, (long)weight.Groups * Stride / 2);
        QuantizedActivations.Grow(ref _rowFactors, Stride);
        QuantizedActivations.Grow(ref _groupFactors, (long)weight.Groups * pool.Threads);
        MiddleStep = Codes(weight) / (2 << MiddleBits);
        var factors = new GroupFactorJob { Pool = pool, Weight = weight, Target = this };
        pool.Run(ref factors);
        for (var i = weight.Groups; i < weight.Groups * pool.Threads; i++)
            GroupFactors[i % weight.Groups] = MathF.Max(GroupFactors[i % weight.Groups], GroupFactors[i]);
        var scales = new ScaleJob { Pool = pool, Weight = weight, Key = key, Target = this };
        pool.Run(ref scales);
        var gradient = new GradientJob { Source = dy, Rows = weight.Rows, Tokens = tokens, Target = this };
        pool.Run(ref gradient);
    }

    public void Dispose()
    {
        _gradient.Dispose();
        _steps.Dispose();
        _scale.Dispose();
        _middle.Dispose();
        _noise.Dispose();
        _rowFactors.Dispose();
        _groupFactors.Dispose();
    }

    private static float Codes(PackedMatrix weight) => 1 << weight.Bits;

    // How large a scale is taken to be; an offset whose zero point is among the codes does not count.
    private static float Size(float scale, float offset, float codes) => MathF.Max(MathF.Abs(scale), MathF.Abs(offset) / codes);

    /// <summary>The largest of each group of columns among the rows of a worker, [workers, groups].</summary>
    private struct GroupFactorJob : IParallelJob
    {
        public WorkerPool Pool;
        public PackedMatrix Weight;
        public GroupScaledGradient Target;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share(Weight.Rows, worker, workers);
            var (groups, codes) = (Weight.Groups, Codes(Weight));
            var scale = Pool.WorkerScratch(worker, 2L * groups);
            var offset = scale + groups;
            var factors = Target.GroupFactors + (long)worker * groups;
            new Span<float>(factors, groups).Clear();
            for (var row = start; row < end; row++)
            {
                Weight.Scales.Read((long)row * groups, groups, scale, offset);
                for (var g = 0; g < groups; g++)
                    factors[g] = MathF.Max(factors[g], Size(scale[g], offset[g], codes));
            }
        }
    }

    private struct ScaleJob : IParallelJob
    {
        public WorkerPool Pool;
        public PackedMatrix Weight;
        public uint Key;
        public GroupScaledGradient Target;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share(Weight.Rows, worker, workers);
            var (groups, stride, codes) = (Weight.Groups, Target.Stride, Codes(Weight));
            var scale = Pool.WorkerScratch(worker, 3L * groups);
            var offset = scale + groups;
            var inverses = offset + groups;
            for (var g = 0; g < groups; g++)
                inverses[g] = Inverse(Target.GroupFactors[g]);
            for (var row = start; row < end; row++)
            {
                Weight.Scales.Read((long)row * groups, groups, scale, offset);
                var factor = 0f;
                for (var g = 0; g < groups; g++)
                    factor = MathF.Max(factor, Size(scale[g], offset[g], codes) * inverses[g]);
                Target._rowFactors.Pointer[row] = factor * (32768f / short.MaxValue);
                var inverse = Inverse(factor);
                for (var g = 0; g < groups; g++)
                {
                    var by = inverse * inverses[g];
                    Target.Scale[(long)g * stride + row] = (short)MathF.Round(scale[g] * by * short.MaxValue);
                    // at most 3/2 of a scale that is r c
                    Target.Middle[(long)g * stride + row] = (short)MathF.Round((offset[g] / codes + scale[g] / 2) * by * (short.MaxValue / 32768f * (2 << MiddleBits)));
                }
            }
            (start, end) = WorkSplit.Share(groups * (stride / 2 / Vector256<ushort>.Count), worker, workers);
            var counter = Vector256<uint>.Indices + Vector256.Create(Key + (uint)start * (uint)Vector256<uint>.Count);
            for (var i = start; i < end; i++, counter += Vector256.Create((uint)Vector256<uint>.Count))
                CounterRandom.Bits(counter).AsUInt16().Store(Target.Noise + (long)i * Vector256<ushort>.Count);
        }
    }

    private static float Inverse(float value) => value < QuantizedActivations.LeastMax ? 0 : 1 / value;

    private struct GradientJob : IParallelJob
    {
        public float* Source;
        public int Rows, Tokens;
        public GroupScaledGradient Target;

        public readonly void Execute(int worker, int workers)
        {
            var (start, end) = WorkSplit.Share(Tokens, worker, workers);
            var (stride, groups) = (Target.Stride, Target.Groups);
            for (var t = start; t < end; t++)
                Row(Source + (long)t * Rows, Target._rowFactors.Pointer, Rows, groups, Target.Gradient + (long)t * stride, Target.Steps + (long)t * groups);
        }
    }

    [MethodImpl(Kernel.Body)]
    [SkipLocalsInit]
    private static void Row(float* dy, float* factors, int rows, int groups, short* gradient, float* steps)
    {
        var padded = stackalloc float[2 * GroupSize];
        for (var g = 0; g < groups; g++, gradient += GroupSize)
        {
            var first = g * GroupSize;
            if (first + GroupSize <= rows)
            {
                steps[g] = Group(dy + first, factors + first, gradient);
                continue;
            }
            new Span<float>(padded, 2 * GroupSize).Clear();
            for (var i = first; i < rows; i++)
                (padded[i - first], padded[i - first + GroupSize]) = (dy[i], factors[i]);
            steps[g] = Group(padded, padded + GroupSize, gradient);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Group(float* dy, float* factors, short* gradient)
    {
        var (e0, e1) = (Vector256.Load(dy) * Vector256.Load(factors), Vector256.Load(dy + 8) * Vector256.Load(factors + 8));
        var (e2, e3) = (Vector256.Load(dy + 16) * Vector256.Load(factors + 16), Vector256.Load(dy + 24) * Vector256.Load(factors + 24));
        // The bits of magnitudes are in order as the magnitudes are, with a NaN above all.
        var magnitude = Vector256.Create(0x7fffffff);
        var most = Vector256.Max(
            Vector256.Max(e0.AsInt32() & magnitude, e1.AsInt32() & magnitude), Vector256.Max(e2.AsInt32() & magnitude, e3.AsInt32() & magnitude));
        var half = Vector128.Max(most.GetLower(), most.GetUpper());
        half = Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(2, 3, 0, 1)));
        half = Vector128.Max(half, Vector128.Shuffle(half, Vector128.Create(1, 0, 3, 2)));
        var max = Vector128.Max(half, Vector128.Create(QuantizedActivations.LeastMax).AsInt32()).AsSingle().ToScalar();
        var by = Vector256.Create(Most / max);
        Pack(Avx.ConvertToVector256Int32(e0 * by), Avx.ConvertToVector256Int32(e1 * by)).Store(gradient);
        Pack(Avx.ConvertToVector256Int32(e2 * by), Avx.ConvertToVector256Int32(e3 * by)).Store(gradient + 16);
        return max / 127;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<short> Pack(Vector256<int> a, Vector256<int> b) => Avx2.Permute4x64(Avx2.PackSignedSaturate(a, b).AsInt64(), 0xd8).AsInt16();
}
