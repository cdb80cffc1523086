namespace Vernier.Kernels;

/// <summary>The slow, obvious body of <see cref="Int8Gemm"/>, summed in double: it judges the fast ones.</summary>
internal static unsafe class Int8Reference
{
    public static void Forward(QuantizedActivations x, PackedMatrix weight, Span<float> y, bool accumulate)
    {
        var codes = new byte[weight.Columns];
        var (scales, offsets) = (new float[weight.Groups], new float[weight.Groups]);
        for (var i = 0; i < weight.Rows; i++)
        {
            weight.ReadCodes(i, 0, codes);
            weight.Scales.ReadRow(i, scales, offsets);
            for (var t = 0; t < x.Tokens; t++)
            {
                var sum = 0.0;
                for (var j = 0; j < weight.Columns; j++)
                {
                    var g = j / weight.GroupSize;
                    var value = (double)x.Scales[t * x.Groups + j / QuantizedActivations.GroupSize] * x.Codes[t * x.Stride + j];
                    sum += ((double)scales[g] * (weight.Codebook.IsEmpty ? codes[j] : weight.Codebook[codes[j]]) + offsets[g]) * value;
                }
                y[t * weight.Rows + i] = (float)(accumulate ? y[t * weight.Rows + i] + sum : sum);
            }
        }
    }
}
