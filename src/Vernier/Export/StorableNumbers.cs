using System.Numerics;
using System.Runtime.InteropServices;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>Refuses numbers that a type of a file cannot hold: what would become infinity in 16 bits, and what is no number already.</summary>
internal static class StorableNumbers
{
    private const float RoundsToInfinityAsHalf = 65520; // half way between the largest fp16 number, 65504, and what would follow it
    private static readonly float s_roundsToInfinityAsBFloat = BitConverter.UInt32BitsToSingle(0x7F7F8000);

    /// <summary>Checks a run of numbers.</summary>
    /// <param name="name">The layer or tensor that they belong to.</param>
    /// <exception cref="NotSupportedException">One is too large for the type: names the layer, the number and what holds it.</exception>
    /// <exception cref="InvalidDataException">One is NaN or infinite: names the layer.</exception>
    public static void Require(string name, ReadOnlySpan<float> values, ElementType type)
    {
        var limit = type switch { ElementType.F16 => RoundsToInfinityAsHalf, ElementType.BF16 => s_roundsToInfinityAsBFloat, _ => float.PositiveInfinity };
        var vectors = MemoryMarshal.Cast<float, Vector<float>>(values);
        var bound = new Vector<float>(limit);
        foreach (var vector in vectors)
            if (!Vector.LessThanAll(Vector.Abs(vector), bound))
                throw Fault(name, values, limit, type);
        foreach (var value in values[(vectors.Length * Vector<float>.Count)..])
            if (!(Math.Abs(value) < limit))
                throw Fault(name, values, limit, type);
    }

    /// <summary>Checks the scales of a packed matrix.</summary>
    /// <param name="hasOffsets">The file holds offsets in that type too; others hold a zero point in their place.</param>
    /// <inheritdoc cref="Require"/>
    public static void RequireScales(string name, PackedMatrix matrix, ElementType type, bool hasOffsets)
    {
        var (scale, offset) = (new float[matrix.Groups], new float[matrix.Groups]);
        for (var row = 0; row < matrix.Rows; row++)
        {
            matrix.Scales.ReadRow(row, scale, offset);
            Require(name, scale, type);
            Require(name, offset, hasOffsets ? type : ElementType.F32);
        }
    }

    private static Exception Fault(string name, ReadOnlySpan<float> values, float limit, ElementType type)
    {
        foreach (var value in values)
            if (!float.IsFinite(value))
                return new InvalidDataException(FormattableString.Invariant($"'{name}': found {value}, expected finite numbers: nothing is written"));
            else if (!(Math.Abs(value) < limit))
                return new NotSupportedException(FormattableString.Invariant($"'{name}': found {value}, which would become infinite as {type}: export with --dtype f32{(type == ElementType.F16 ? " or bf16" : "")} or --to native; nothing is written"));
        throw new InvalidOperationException("no number is out of range");
    }
}
