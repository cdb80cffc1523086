using System.Security.Cryptography;
using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Tests.Tuning;

/// <summary>A hash of the codes that a decoder holds.</summary>
internal static class TinyCodes
{
    /// <summary>null where nothing is quantized.</summary>
    public static string? Of(Decoder decoder)
    {
        var codes = decoder.Linears.Select(l => l.Weight).OfType<PackedMatrix>().SelectMany(Codes).ToArray();
        return codes.Length == 0 ? null : Convert.ToHexStringLower(SHA256.HashData(codes));
    }

    private static IEnumerable<byte> Codes(PackedMatrix matrix) => Enumerable.Range(0, matrix.Rows).SelectMany(row =>
    {
        var codes = new byte[matrix.Columns];
        matrix.ReadCodes(row, 0, codes);
        return codes;
    });
}
