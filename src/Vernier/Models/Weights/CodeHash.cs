using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Reads the unsigned codes of one row, one a byte.</summary>
/// <param name="codes">[columns].</param>
internal delegate void CodeRowReader(int row, Span<byte> codes);

/// <summary>The integer codes of one matrix, wherever they are, in Hugging Face row order.</summary>
/// <param name="Name">Hugging Face name of the tensor.</param>
internal sealed record CodeMatrix(string Name, int Rows, int Columns, CodeRowReader ReadRow)
{
    public static CodeMatrix Of(string name, PackedMatrix matrix) =>
        new(name, matrix.Rows, matrix.Columns, (row, codes) => matrix.ReadCodes(row, 0, codes));
}

/// <summary>The fingerprint of a model's integers: tuning scales leaves it as it is, anything else changes it. It does not depend on
/// the container: codes that are kept in wider blocks than they need have the same fingerprint.</summary>
internal static class CodeHash
{
    private const int BytesAtOnce = 1 << 18;

    /// <summary>SHA-256 over all quantized matrices in ordinal order of their names. Each adds: its name in UTF-8, a zero byte, rows and columns
    /// as little-endian 32-bit integers, and its unsigned codes, one byte each, row by row.</summary>
    /// <returns>64 lower-case hexadecimal digits; null for a model without quantized matrices.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static string? Of(IEnumerable<CodeMatrix> matrices, CancellationToken cancel = default)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var any = false;
        Span<byte> header = stackalloc byte[9];
        byte[] codes = [];
        foreach (var matrix in matrices.OrderBy(m => m.Name, StringComparer.Ordinal))
        {
            any = true;
            hash.AppendData(Encoding.UTF8.GetBytes(matrix.Name));
            header[0] = 0;
            BinaryPrimitives.WriteInt32LittleEndian(header[1..], matrix.Rows);
            BinaryPrimitives.WriteInt32LittleEndian(header[5..], matrix.Columns);
            hash.AppendData(header);
            var rows = Math.Clamp(BytesAtOnce / matrix.Columns, 1, matrix.Rows);
            if (codes.Length < rows * matrix.Columns)
                codes = new byte[Math.Max(BytesAtOnce, rows * matrix.Columns)];
            for (var row = 0; row < matrix.Rows; row += rows)
            {
                cancel.ThrowIfCancellationRequested();
                var count = Math.Min(rows, matrix.Rows - row);
                for (var r = 0; r < count; r++)
                    matrix.ReadRow(row + r, codes.AsSpan(r * matrix.Columns, matrix.Columns));
                hash.AppendData(codes, 0, count * matrix.Columns);
            }
        }
        return any ? Convert.ToHexStringLower(hash.GetHashAndReset()) : null;
    }
}
