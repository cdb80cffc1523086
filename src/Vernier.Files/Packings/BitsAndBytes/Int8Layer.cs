using Vernier.Files.Disk;
using Vernier.Files.HuggingFace;
using Vernier.Files.Tensors;

namespace Vernier.Files.Packings.BitsAndBytes;

/// <summary>A weight in the 8-bit form of bitsandbytes (LLM.int8). Tensors of PREFIX: weight, signed bytes [out, in]; SCB, fp32 [out], the largest
/// magnitude of each row. value = code * SCB / 127.</summary>
internal static class Int8Layer
{
    public const int Bits = 8;
    public const string ScaleSuffix = ".SCB";

    private const int Zero = 128; // of the code stored as an unsigned byte

    /// <exception cref="InvalidDataException">A tensor is missing or does not fit the others; names the file.</exception>
    public static QuantizedLayer Read(HfFolder folder, string prefix)
    {
        var (rows, columns) = QuantizedTensors.Matrix(folder, prefix + ".weight");
        var weight = folder.Get(prefix + ".weight");
        if (weight.Type != ElementType.I8)
            throw Damaged.File(weight.FilePath, $"tensor '{weight.Name}'", $"{weight.Type}", "I8");
        var layer = new QuantizedLayer(rows, columns, Bits, groupSize: 0) { ZeroPoints = new int[rows] };
        weight.ReadElements(0, layer.Codes);
        foreach (ref var code in layer.Codes.AsSpan())
            code ^= Zero;
        layer.ZeroPoints.AsSpan().Fill(Zero);
        folder.Get(prefix + ScaleSuffix, rows).ReadSingles(0, layer.Scales);
        foreach (ref var scale in layer.Scales.AsSpan())
            scale /= 127;
        return layer;
    }
}
