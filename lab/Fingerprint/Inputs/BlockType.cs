using System.Runtime.InteropServices;

namespace Vernier.Fingerprint.Inputs;

/// <summary>A tensor type of GGUF files, with random blocks of it: any bytes are codes, and the scales are set so that weights are of a usual size.</summary>
/// <param name="Number">As files state it.</param>
/// <param name="Values">Of a block.</param>
/// <param name="Bytes">Of a block.</param>
/// <param name="Scales">Places of fp16 scales, and the value that a scale is near.</param>
internal sealed record BlockType(string Name, int Number, int Values, int Bytes, params (int At, float Size)[] Scales)
{
    public static IReadOnlyList<BlockType> All { get; } =
    [
        new("F32", 0, 1, 4),
        new("F16", 1, 1, 2),
        new("BF16", 30, 1, 2),
        new("Q4_0", 2, 32, 18, (0, 0.015f)),
        new("Q4_1", 3, 32, 20, (0, 0.015f), (2, -0.11f)),
        new("Q5_0", 6, 32, 22, (0, 0.008f)),
        new("Q5_1", 7, 32, 24, (0, 0.008f), (2, -0.12f)),
        new("Q8_0", 8, 32, 34, (0, 0.001f)),
        new("Q2_K", 10, 256, 84, (80, 0.006f), (82, 0.009f)),
        new("Q3_K", 11, 256, 110, (108, 0.002f)),
        new("Q4_K", 12, 256, 144, (0, 0.0005f), (2, 0.004f)),
        new("Q5_K", 13, 256, 176, (0, 0.0003f), (2, 0.004f)),
        new("Q6_K", 14, 256, 210, (208, 0.0001f)),
        new("IQ4_NL", 20, 32, 18, (0, 0.001f)),
        new("IQ4_XS", 23, 256, 136, (0, 0.0001f)),
        new("TQ1_0", 34, 256, 54, (52, 0.08f)),
        new("TQ2_0", 35, 256, 66, (64, 0.08f)),
        new("MXFP4", 39, 32, 17),
    ];

    public static BlockType F32 => All[0];

    /// <summary>Random weights: count is a multiple of a block.</summary>
    public byte[] Random(Noise noise, int count)
    {
        if (Values == 1)
            return Tensor.Singles("", noise.Normals(count, 0.08f), count).As(Name).Bytes;
        var bytes = noise.Bytes(count / Values * Bytes);
        for (var at = 0; at < bytes.Length; at += Bytes)
            Settle(bytes.AsSpan(at, Bytes), noise);
        return bytes;
    }

    private void Settle(Span<byte> block, Noise noise)
    {
        foreach (var (at, size) in Scales)
        {
            var scale = (Half)(size * (1 + noise.Normal(0.2f)));
            MemoryMarshal.Write(block[at..], in scale);
        }
        if (Name == "MXFP4")
            block[0] = (byte)(120 + block[0] % 3); // the exponent
        if (Name == "TQ2_0")
            foreach (ref var codes in block[..64])
                codes &= (byte)~((codes & (codes >> 1) & 0x55) << 1); // no code is 3
    }
}
