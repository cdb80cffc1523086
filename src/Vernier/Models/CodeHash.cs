using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The fingerprint of a model's integers: tuning scales leaves it as it is, anything else changes it.</summary>
public static class CodeHash
{
    private const int RowsAtOnce = 1 << 18;

    /// <summary>SHA-256 over all quantized matrices in ordinal order of their names. Each adds: its name in UTF-8, a zero byte, rows, columns
    /// and bits as little-endian 32-bit integers, and its unsigned codes, one byte each, row by row in Hugging Face row order.</summary>
    /// <returns>64 lower-case hexadecimal digits; the hash of nothing for a model without quantized matrices.</returns>
    public static string Of(IEnumerable<(string Name, PackedMatrix Matrix)> matrices)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> header = stackalloc byte[13];
        foreach (var (name, matrix) in matrices.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(name));
            header[0] = 0;
            BinaryPrimitives.WriteInt32LittleEndian(header[1..], matrix.Rows);
            BinaryPrimitives.WriteInt32LittleEndian(header[5..], matrix.Columns);
            BinaryPrimitives.WriteInt32LittleEndian(header[9..], matrix.Bits);
            hash.AppendData(header);
            var rows = Math.Clamp(RowsAtOnce / matrix.Columns, 1, matrix.Rows);
            var codes = new byte[rows * matrix.Columns];
            for (var row = 0; row < matrix.Rows; row += rows)
            {
                var count = Math.Min(rows, matrix.Rows - row);
                for (var r = 0; r < count; r++)
                    matrix.ReadCodes(row + r, 0, codes.AsSpan(r * matrix.Columns, matrix.Columns));
                hash.AppendData(codes, 0, count * matrix.Columns);
            }
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
