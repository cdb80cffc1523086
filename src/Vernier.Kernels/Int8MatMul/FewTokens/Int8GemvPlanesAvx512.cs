using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Vernier.Kernels;

/// <summary>Up to four tokens with codes of 2, 3, 5 or 6 bits, or of a codebook of integers, 256 columns at a time: their eight or sixteen scales lie in one register, and chunks of 64 codes
/// are put together in another from their planes, once for all tokens. Row follows row, each of codes, scales and offsets one stream.</summary>
internal sealed unsafe class Int8GemvPlanesAvx512 : IInt8GemvBody
{
    /// <summary>Columns that are taken together.</summary>
    public const int Columns = 256;

    /// <summary>Most tokens.</summary>
    public const int MostTokens = 4;

    private const int Chunks = Columns / CodePlanes.Chunk;
    private const int Run = 4;
    private const int Lanes = 8;
    private const int Line = 64;

    public InstructionTier Tier => InstructionTier.Vector512;

    public int RowsAtOnce => Run;

    public bool StreamsScales => true;

    public void Multiply(in Int8GemvRows rows)
    {
        if (rows.HasHalfGroups)
            GemvScales.OfHalfBlocks<Scales<Halves>>(rows);
        else
            GemvScales.OfBlocks<Scales<Blocks>>(rows);
    }

    private readonly struct Scales<TGroups> : IGemvOfScales
        where TGroups : struct, IGroups
    {
        public static void Rows<TScales>(in Int8GemvRows rows)
            where TScales : struct, IGemvScales
        {
            switch (rows.Bits)
            {
                case 4:
                    Int8GemvPlanesAvx512.Rows<TScales, TGroups, Book>(rows);
                    break;
                case 2:
                    Int8GemvPlanesAvx512.Rows<TScales, TGroups, Planes<CodePlanes.Two>>(rows);
                    break;
                case 3:
                    Int8GemvPlanesAvx512.Rows<TScales, TGroups, Planes<CodePlanes.Three>>(rows);
                    break;
                case 5:
                    Int8GemvPlanesAvx512.Rows<TScales, TGroups, Planes<CodePlanes.Five>>(rows);
                    break;
                default:
                    Int8GemvPlanesAvx512.Rows<TScales, TGroups, Planes<CodePlanes.Six>>(rows);
                    break;
            }
        }
    }

    private static void Rows<TScales, TGroups, TCodes>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
        where TGroups : struct, IGroups
        where TCodes : struct, ICodes
    {
        switch (rows.Tokens)
        {
            case 1:
                Rows<TScales, TGroups, TCodes, TokenCounts.One>(rows);
                break;
            case 2:
                Rows<TScales, TGroups, TCodes, TokenCounts.Two>(rows);
                break;
            case 3:
                Rows<TScales, TGroups, TCodes, TokenCounts.Three>(rows);
                break;
            default:
                Rows<TScales, TGroups, TCodes, TokenCounts.Four>(rows);
                break;
        }
    }

    // How many tokens there are is a type, so that its tests are gone when this is compiled.
    [MethodImpl(Kernel.Body)]
    [SkipLocalsInit]
    private static void Rows<TScales, TGroups, TCodes, TCount>(in Int8GemvRows rows)
        where TScales : struct, IGemvScales
        where TGroups : struct, IGroups
        where TCodes : struct, ICodes
        where TCount : struct, ITokenCount
    {
        var sums = stackalloc float[TCount.Value * Run * Lanes];
        var hasOffsets = rows.Offset != rows.Scale;
        var codes = rows.Codes;
        var values = rows.Codebook?.Values ?? default;
        var book = Vector512.Create(Vector256.Create(values, values), Vector256.Create(values, values));
        for (var row = 0; row < rows.Rows; row += Run)
        {
            Int8GemvPrefetch.Scales<TScales>(rows, row, Run);
            for (var i = 0; i < Run; i++)
            {
                var at = (long)(row + i) * rows.Groups;
                var (s0, s1, s2, s3) = (Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero, Vector512<float>.Zero);
                var x = rows.X;
                for (var g = 0; g < rows.Groups; g += TGroups.Count, x += Columns)
                {
                    for (var line = 0; line < Chunks * TCodes.ChunkBytes; line += Line)
                        Int8GemvPrefetch.CodesOnce(codes + line);
                    var scale = TGroups.Load<TScales>(rows.Scale, at + g);
                    var offset = hasOffsets ? TGroups.Load<TScales>(rows.Offset, at + g) : scale;
                    var xScales = rows.XScales + g;
                    var xSums = rows.XSums + g;
                    var f0 = Factors<TGroups>(scale, offset, xScales, xSums, ref s0);
                    var f1 = TCount.Value > 1 ? Factors<TGroups>(scale, offset, xScales + rows.Padded, xSums + rows.Padded, ref s1) : default;
                    var f2 = TCount.Value > 2 ? Factors<TGroups>(scale, offset, xScales + 2 * rows.Padded, xSums + 2 * rows.Padded, ref s2) : default;
                    var f3 = TCount.Value > 3 ? Factors<TGroups>(scale, offset, xScales + 3 * rows.Padded, xSums + 3 * rows.Padded, ref s3) : default;
                    var (c0, c1) = (TCodes.Unpack(codes, book), TCodes.Unpack(codes + TCodes.ChunkBytes, book));
                    codes += 2 * TCodes.ChunkBytes;
                    var (c2, c3) = (TCodes.Unpack(codes, book), TCodes.Unpack(codes + TCodes.ChunkBytes, book));
                    codes += 2 * TCodes.ChunkBytes;
                    s0 = Add<TGroups, TCodes>(c0, c1, c2, c3, x, f0, s0);
                    if (TCount.Value > 1)
                        s1 = Add<TGroups, TCodes>(c0, c1, c2, c3, x + rows.XStride, f1, s1);
                    if (TCount.Value > 2)
                        s2 = Add<TGroups, TCodes>(c0, c1, c2, c3, x + 2 * rows.XStride, f2, s2);
                    if (TCount.Value > 3)
                        s3 = Add<TGroups, TCodes>(c0, c1, c2, c3, x + 3 * rows.XStride, f3, s3);
                }
                Store(s0, sums + i * Lanes);
                if (TCount.Value > 1)
                    Store(s1, sums + (Run + i) * Lanes);
                if (TCount.Value > 2)
                    Store(s2, sums + (2 * Run + i) * Lanes);
                if (TCount.Value > 3)
                    Store(s3, sums + (3 * Run + i) * Lanes);
            }
            for (var t = 0; t < TCount.Value; t++)
            {
                var from = sums + t * Run * Lanes;
                rows.Store(row, t, HorizontalSums.Each(Vector256.Load(from), Vector256.Load(from + Lanes), Vector256.Load(from + 2 * Lanes), Vector256.Load(from + 3 * Lanes)));
            }
        }
    }

    // A token's scales times the weight's; its sums times the offsets go to the sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Factors<TGroups>(Vector512<float> scale, Vector512<float> offset, float* xScales, float* xSums, ref Vector512<float> sum)
        where TGroups : struct, IGroups
    {
        sum = Avx512F.FusedMultiplyAdd(offset, TGroups.Load(xSums), sum);
        return scale * TGroups.Load(xScales);
    }

    // Four chunks' products, in two sums so that none waits for the other.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Add<TGroups, TCodes>(
        Vector512<byte> c0, Vector512<byte> c1, Vector512<byte> c2, Vector512<byte> c3, sbyte* x, Vector512<float> factors, Vector512<float> sum)
        where TGroups : struct, IGroups
        where TCodes : struct, ICodes
    {
        sum = Avx512F.FusedMultiplyAdd(Dots<TCodes>(c0, x), Avx512F.PermuteVar16x32(factors, TGroups.Order(0)), sum);
        var other = Dots<TCodes>(c1, x + CodePlanes.Chunk) * Avx512F.PermuteVar16x32(factors, TGroups.Order(1));
        sum = Avx512F.FusedMultiplyAdd(Dots<TCodes>(c2, x + 2 * CodePlanes.Chunk), Avx512F.PermuteVar16x32(factors, TGroups.Order(2)), sum);
        return Avx512F.FusedMultiplyAdd(Dots<TCodes>(c3, x + 3 * CodePlanes.Chunk), Avx512F.PermuteVar16x32(factors, TGroups.Order(3)), other) + sum;
    }

    // Sums of four neighbouring products of at most 127 * 127.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Dots<TCodes>(Vector512<byte> codes, sbyte* x)
        where TCodes : struct, ICodes =>
        Avx512F.ConvertToVector512Single(Avx512BW.MultiplyAddAdjacent(TCodes.Pairs(codes, Vector512.Load(x)), Vector512<short>.One));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Store(Vector512<float> sum, float* to) => (sum.GetLower() + sum.GetUpper()).Store(to);

    private interface ICodes
    {
        static abstract int ChunkBytes { get; }

        /// <param name="book">The values of a codebook, four times over.</param>
        static abstract Vector512<byte> Unpack(byte* codes, Vector512<sbyte> book);

        /// <summary>Products, added in pairs.</summary>
        static abstract Vector512<short> Pairs(Vector512<byte> codes, Vector512<sbyte> x);
    }

    private readonly struct Planes<TBits> : ICodes
        where TBits : struct, CodePlanes.IBits
    {
        public static int ChunkBytes => CodePlanes.ChunkBytes(TBits.Value);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Unpack(byte* codes, Vector512<sbyte> book) => CodePlanes.UnpackWider<TBits>(codes);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Pairs(Vector512<byte> codes, Vector512<sbyte> x) => Avx512BW.MultiplyAddAdjacent(codes, x);
    }

    /// <summary>Signed values: their magnitudes times the activations under their signs.</summary>
    private readonly struct Book : ICodes
    {
        public static int ChunkBytes => CodePlanes.ChunkBytes(4);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<byte> Unpack(byte* codes, Vector512<sbyte> book) =>
            Avx512BW.Shuffle(book, CodePlanes.UnpackWider<CodePlanes.Four>(codes).AsSByte()).AsByte();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<short> Pairs(Vector512<byte> codes, Vector512<sbyte> x) =>
            Avx512BW.MultiplyAddAdjacent(Avx512BW.Abs(codes.AsSByte()), Vector512.ConditionalSelect(Vector512.LessThan(codes.AsSByte(), Vector512<sbyte>.Zero), -x, x));
    }

    /// <summary>The groups of 256 columns.</summary>
    private interface IGroups
    {
        static abstract int Count { get; }

        static abstract Vector512<float> Load<TScales>(void* scales, long at)
            where TScales : struct, IGemvScales;

        static abstract Vector512<float> Load(float* values);

        /// <summary>For each sum of four products of a chunk, its group.</summary>
        static abstract Vector512<int> Order(int chunk);
    }

    private readonly struct Halves : IGroups
    {
        public static int Count => 16;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load<TScales>(void* scales, long at)
            where TScales : struct, IGemvScales => TScales.LoadWide(scales, at);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load(float* values) => Vector512.Load(values);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Order(int chunk) => Vector512.Create(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3) + Vector512.Create(4 * chunk);
    }

    private readonly struct Blocks : IGroups
    {
        public static int Count => 8;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load<TScales>(void* scales, long at)
            where TScales : struct, IGemvScales => TScales.Load(scales, at).ToVector512();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<float> Load(float* values) => Vector256.Load(values).ToVector512();

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static Vector512<int> Order(int chunk) => Vector512.Create(0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1) + Vector512.Create(2 * chunk);
    }
}
