using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Scales of two levels, as the K-quants of GGUF have them: a super-block's fp16 factor times a group's small integer. Such a product has at most
/// 11 + 8 bits, so that fp32 holds it exactly and nothing is lost by making it each time it is read. Sixteen groups lie in one run of bytes, their one or two factors first;
/// offsets (minimums, negated) lie in another one of the same form, or are not kept where one zero point stands for them.
/// Filled by <see cref="SetRow"/> while a matrix is made; never changed afterwards.</summary>
internal sealed unsafe class ScaleBlocks : IDisposable
{
    /// <summary>Bytes of sixteen groups in each of the forms: their factors, then their integers.</summary>
    public const int Bytes8 = 2 * sizeof(ushort) + 16, Bytes16 = sizeof(ushort) + 16, BytesOfNibbles = sizeof(ushort) + 8;

    // A half's exponent and fraction, moved to those of an fp32, are a number that is 2¹¹² times too small.
    private const int HalfMask = unchecked((int)0x8fffe000);
    private const float HalfMend = 5192296858534827628530496329220096f;

    private readonly int _groups;
    private readonly NativeBuffer<ushort> _scales;
    private readonly NativeBuffer<ushort>? _offsets;

    /// <param name="groups">Of a row, a multiple of what shares a factor.</param>
    /// <param name="hasOffsets">Else one zero point stands for them.</param>
    /// <exception cref="ArgumentException">The groups are no whole super-blocks, or the form has none.</exception>
    public ScaleBlocks(int rows, int groups, ScaleForm form, bool hasOffsets)
    {
        if (ScaleForms.GroupsOf(form) is var shared && (shared == 1 || groups % shared != 0))
            throw new ArgumentException($"{groups} groups in a row are no whole blocks of {form}.", nameof(groups));
        (Rows, _groups, Form) = (rows, groups, form);
        var words = ScaleForms.Bytes(form, WorkSplit.RoundUp(checked(rows * groups), 16)) / sizeof(ushort);
        _scales = new(words, isWeight: true);
        _offsets = hasOffsets ? new(words, isWeight: true) : null;
    }

    private ScaleBlocks(ScaleBlocks source)
    {
        (Rows, _groups, Form) = (source.Rows, source._groups, source.Form);
        (_scales, _offsets) = (source._scales.Share(), source._offsets?.Share());
    }

    /// <summary>Output features.</summary>
    public int Rows { get; }

    /// <summary>Groups of columns in a row.</summary>
    public int Groups => _groups;

    /// <summary>One of those with super-blocks.</summary>
    public ScaleForm Form { get; }

    /// <summary>Bytes held.</summary>
    public long Bytes => sizeof(ushort) * (_scales.Length + (_offsets?.Length ?? 0));

    /// <summary>Whether offsets are kept.</summary>
    public bool HasOffsets => _offsets is not null;

    internal byte* Scales => (byte*)_scales.Pointer;

    /// <summary>Null where they are not kept.</summary>
    internal byte* Offsets => _offsets is null ? null : (byte*)_offsets.Pointer;

    /// <summary>Another holder.</summary>
    public ScaleBlocks Share() => new(this);

    /// <inheritdoc/>
    public void Dispose()
    {
        _scales.Dispose();
        _offsets?.Dispose();
    }

    /// <summary>Stores a row.</summary>
    /// <param name="factors">[super-blocks]: fp16 d.</param>
    /// <param name="minimums">[super-blocks]: fp16 dmin; not read where there are no offsets.</param>
    /// <param name="scale">[groups]: d * S.</param>
    /// <param name="offset">[groups]: -(dmin * M); not read where there are none.</param>
    /// <exception cref="ArgumentException">A scale is no such product to the last bit.</exception>
    public void SetRow(int row, ReadOnlySpan<Half> factors, ReadOnlySpan<Half> minimums, ReadOnlySpan<float> scale, ReadOnlySpan<float> offset)
    {
        var shared = ScaleForms.GroupsOf(Form);
        for (var b = 0; b < _groups / shared; b++)
        {
            var first = (long)row * _groups + b * shared;
            Set(Scales, first, factors[b], scale.Slice(b * shared, shared));
            if (Offsets != null)
                Set(Offsets, first, -minimums[b], offset.Slice(b * shared, shared));
        }
    }

    /// <summary>The scales of neighbouring groups from the <paramref name="first"/> of all rows on.</summary>
    internal void ReadScales(long first, int count, float* values) => Read(Scales, first, count, values);

    /// <summary>Their offsets, which are kept.</summary>
    internal void ReadOffsets(long first, int count, float* values) => Read(Offsets, first, count, values);

    /// <summary>Eight neighbours, the first a multiple of eight, with AVX2.</summary>
    /// <param name="blocks">Of all groups, or from a multiple of sixteen on.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector256<float> Load<TForm>(byte* blocks, long at)
        where TForm : struct, IForm
    {
        var block = blocks + (at >> 4) * TForm.Bytes;
        var factor = Vector256.Create(*(short*)TForm.Factor(block, at)).AsInt32() >> 3 & Vector256.Create(HalfMask);
        return Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(TForm.Eight(block, at))) * (factor.AsSingle() * Vector256.Create(HalfMend));
    }

    /// <summary>Sixteen neighbours, the first a multiple of sixteen, with AVX-512.</summary>
    /// <inheritdoc cref="Load"/>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector512<float> LoadWide<TForm>(byte* blocks, long at)
        where TForm : struct, IForm
    {
        var block = blocks + (at >> 4) * TForm.Bytes;
        var factors = TForm.Factors(block) >> 3 & Vector512.Create(HalfMask);
        return Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(TForm.Sixteen(block))) * (factors.AsSingle() * Vector512.Create(HalfMend));
    }

    private void Set(byte* blocks, long first, Half factor, ReadOnlySpan<float> values)
    {
        var block = blocks + ScaleForms.Bytes(Form, first & ~15L);
        var (half, d) = (Form == ScaleForm.Blocks8 ? (int)(first >> 3 & 1) : 0, (float)factor);
        ((Half*)block)[half] = factor;
        var integers = block + (Form == ScaleForm.Blocks8 ? 2 : 1) * sizeof(ushort) + 8 * half;
        for (var g = 0; g < values.Length; g++)
        {
            var s = Integer(d, values[g]);
            if (Form == ScaleForm.Nibbles16)
                integers[g % 8] |= (byte)(s << (g < 8 ? 0 : 4));
            else
                integers[g] = (byte)s;
        }
    }

    // A zero times a negative number is the other zero.
    private int Integer(float factor, float value)
    {
        var s = factor == 0 ? 0 : (int)Math.Clamp(MathF.Round(value / factor), sbyte.MinValue, sbyte.MaxValue);
        if (factor == 0 && Form != ScaleForm.Nibbles16 && float.IsNegative(value) != float.IsNegative(factor))
            s = -1;
        if (BitConverter.SingleToInt32Bits(factor * s) != BitConverter.SingleToInt32Bits(value) || Form == ScaleForm.Nibbles16 && (s < 0 || s > 15))
            throw new ArgumentException($"{value} is no integer of this form times {factor}.", nameof(value));
        return s;
    }

    private void Read(byte* blocks, long first, int count, float* values)
    {
        switch (Form)
        {
            case ScaleForm.Blocks8:
                Read<Of8>(blocks, first, count, values);
                break;
            case ScaleForm.Blocks16:
                Read<Of16>(blocks, first, count, values);
                break;
            default:
                Read<OfNibbles>(blocks, first, count, values);
                break;
        }
    }

    [MethodImpl(Kernel.Body)]
    private static void Read<TForm>(byte* blocks, long first, int count, float* values)
        where TForm : struct, IForm
    {
        for (var i = 0; i < count;)
        {
            var at = first + i;
            if (Avx2.IsSupported && at % 8 == 0 && i <= count - 8)
            {
                Load<TForm>(blocks, at).Store(values + i);
                i += 8;
                continue;
            }
            var block = blocks + (at >> 4) * TForm.Bytes;
            var factor = (float)*TForm.Factor(block, at);
            for (var end = Math.Min(count, i + TForm.Groups - (int)(at % TForm.Groups)); i < end; i++)
                values[i] = factor * TForm.One(block, first + i);
        }
    }

    /// <summary>A form as a type, so that its tests are gone when this is compiled. Blocks are of sixteen groups.</summary>
    internal interface IForm
    {
        /// <summary>That share a factor.</summary>
        static abstract int Groups { get; }

        /// <summary>Of a block.</summary>
        static abstract int Bytes { get; }

        /// <summary>Of a group.</summary>
        static abstract Half* Factor(byte* block, long at);

        /// <summary>The integer of a group.</summary>
        static abstract int One(byte* block, long at);

        /// <summary>Those of eight neighbours, in the lower half.</summary>
        static abstract Vector128<sbyte> Eight(byte* block, long at);

        /// <summary>Those of all sixteen.</summary>
        static abstract Vector128<sbyte> Sixteen(byte* block);

        /// <summary>The factor of each of the sixteen in the upper half of a lane.</summary>
        static abstract Vector512<int> Factors(byte* block);
    }

    internal readonly struct Of8 : IForm
    {
        private const int Integers = 2 * sizeof(ushort);

        public static int Groups => 8;

        public static int Bytes => Bytes8;

        public static Half* Factor(byte* block, long at) => (Half*)block + (at >> 3 & 1);

        public static int One(byte* block, long at) => (sbyte)block[Integers + (at & 15)];

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<sbyte> Eight(byte* block, long at) => Vector128.CreateScalarUnsafe(*(long*)(block + Integers + (at & 8))).AsSByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<sbyte> Sixteen(byte* block) => Vector128.Load((sbyte*)block + Integers);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Factors(byte* block) =>
            Avx512F.ShiftLeftLogicalVariable(Vector512.Create(*(int*)block), Vector512.Create(16u, 16, 16, 16, 16, 16, 16, 16, 0, 0, 0, 0, 0, 0, 0, 0));
    }

    internal readonly struct Of16 : IForm
    {
        public static int Groups => 16;

        public static int Bytes => Bytes16;

        public static Half* Factor(byte* block, long at) => (Half*)block;

        public static int One(byte* block, long at) => (sbyte)block[sizeof(ushort) + (at & 15)];

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<sbyte> Eight(byte* block, long at) => Vector128.CreateScalarUnsafe(*(long*)(block + sizeof(ushort) + (at & 8))).AsSByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<sbyte> Sixteen(byte* block) => Vector128.Load((sbyte*)block + sizeof(ushort));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Factors(byte* block) => Vector512.Create(*(short*)block).AsInt32();
    }

    internal readonly struct OfNibbles : IForm
    {
        private const long Low = 0x0f0f0f0f0f0f0f0f;

        public static int Groups => 16;

        public static int Bytes => BytesOfNibbles;

        public static Half* Factor(byte* block, long at) => (Half*)block;

        public static int One(byte* block, long at) => block[sizeof(ushort) + (at & 7)] >> (int)(at & 8) / 2 & 15;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<sbyte> Eight(byte* block, long at) => Vector128.CreateScalarUnsafe(*(long*)(block + sizeof(ushort)) >> (int)(at & 8) / 2 & Low).AsSByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector128<sbyte> Sixteen(byte* block)
        {
            var both = *(long*)(block + sizeof(ushort));
            return Vector128.Create(both & Low, both >> 4 & Low).AsSByte();
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Factors(byte* block) => Vector512.Create(*(short*)block).AsInt32();
    }
}
