namespace Vernier.Kernels;

/// <summary>A gradient for scales of groups of columns: every group has its own product of gradient and scales, which is rounded at random
/// a few tokens at a time, just before it is multiplied by the group's columns.</summary>
internal unsafe struct GroupScaledOperand<TRounding>(GroupScaledGradient gradient, PackedMatrix weight) : IInt8GradientOperand
    where TRounding : struct, IStochasticRounding
{
    private StochasticTile _tile;
    private float* _factors;
    private int _columns;
    private int _token;
    private int _group;

    public readonly int Stride => gradient.Stride;

    public readonly long Floats(int tokens, int columns) => columns + StochasticTile.Floats(gradient.Stride, tokens);

    public void Begin(float* memory, int tokens, int columns)
    {
        _tile = new StochasticTile(memory + columns, gradient, tokens, weight.Bits);
        _factors = memory;
        (_columns, _token, _group) = (columns, -1, -1);
    }

    public Int8Tokens At(int token, int tokens, int column, out float* factors)
    {
        var group = column / weight.GroupSize;
        if (token != _token || group != _group)
        {
            (_token, _group) = (token, group);
            TRounding.Round(_tile, token, tokens, group);
            new Span<float>(_factors, _columns).Fill(gradient.GroupFactors[group]);
        }
        factors = _factors;
        return _tile.Operand(token);
    }
}
