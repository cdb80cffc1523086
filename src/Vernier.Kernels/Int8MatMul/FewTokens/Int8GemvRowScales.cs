using System.Runtime.Intrinsics;

namespace Vernier.Kernels;

/// <summary>The scales and offsets of one row in fp32, [groups] each; of rows that are not kept so until others are read.</summary>
internal readonly unsafe struct Int8GemvRowScales
{
    private readonly float* _scale;
    private readonly float* _offset;

    private Int8GemvRowScales(float* scale, float* offset)
    {
        _scale = scale;
        _offset = offset;
    }

    public static Int8GemvRowScales Read(in Int8GemvRows rows, int row)
    {
        var at = (long)row * rows.Groups;
        if (rows.Form == ScaleForm.Float)
            return new((float*)rows.Scale + at, (float*)rows.Offset + at);
        rows.Scales.Read((long)rows.FirstRow * rows.Groups + at, rows.Groups, rows.RowScales, rows.RowScales + rows.Padded);
        return new(rows.RowScales, rows.RowScales + rows.Padded);
    }

    /// <summary>The scales times a token's, for every group of 32 columns, or half of one.</summary>
    /// <param name="factors">[units of the activations].</param>
    /// <returns>Σ (offset + middle * scale) * sum: with the offsets' part what codes that are counted from the middle leave out.</returns>
    public float Times(in Int8GemvRows rows, int token, float middle, float* factors)
    {
        if (rows.Ratio > 1)
            return TimesEach(rows, token, middle, factors);
        var xScales = rows.XScales + (long)token * rows.Padded;
        var sums = rows.XSums + (long)token * rows.Padded;
        var (g, groups, terms) = (0, rows.Groups, Vector128<float>.Zero);
        for (; g <= groups - Vector128<float>.Count; g += Vector128<float>.Count)
        {
            var s = Vector128.Load(_scale + g);
            (s * Vector128.Load(xScales + g)).Store(factors + g);
            terms += (Vector128.Load(_offset + g) + middle * s) * Vector128.Load(sums + g);
        }
        var total = Vector128.Sum(terms);
        for (; g < groups; g++)
        {
            factors[g] = _scale[g] * xScales[g];
            total += (_offset[g] + middle * _scale[g]) * sums[g];
        }
        for (; g < rows.Units; g++)
            factors[g] = 0; // the padding
        return total;
    }

    /// <summary>The same one by one.</summary>
    public float TimesEach(in Int8GemvRows rows, int token, float middle, float* factors)
    {
        var xScales = rows.XScales + (long)token * rows.Padded;
        var sums = rows.XSums + (long)token * rows.Padded;
        var (i, total) = (0, 0f);
        for (var g = 0; i < rows.Units; g++)
        {
            var s = _scale[Math.Min(g, rows.Groups - 1)]; // the padding's activations are zero
            for (var end = Math.Min(i + rows.Ratio, rows.Units); i < end; i++)
                factors[i] = s * xScales[i];
        }
        for (var g = 0; g < rows.Groups; g++)
            total += (_offset[g] + middle * _scale[g]) * sums[g];
        return total;
    }
}
