using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>Token ids to the input of block 0: table row, projection where the table is narrower than the model, learned position.</summary>
internal sealed class TokenEmbedding(ModelConfig config, NamedMatrix table, NamedMatrix? positions, NamedMatrix? projectIn)
{
    private static readonly WorkspaceSlot s_rows = new(), s_position = new(), s_rowsGrad = new(), s_scaledGrad = new(), s_tile = new();

    private int Width => table.Matrix.Columns;

    /// <summary>x [tokens, hidden].</summary>
    public void Forward(Compute compute, ReadOnlySpan<int> ids, ReadOnlySpan<int> at, Span<float> x)
    {
        var rows = projectIn is null ? x : compute.Scratch(s_rows, ids.Length * Width);
        for (var t = 0; t < ids.Length; t++)
            table.Matrix.ReadTile(ids[t], 1, 0, Width, rows.Slice(t * Width, Width), Width);
        if (projectIn is not null)
            Gemm.Forward(compute.Pool, rows, ids.Length, projectIn.Matrix, x);
        if (config.EmbeddingScale != 1)
            Scaling.Apply(compute.Pool, x, config.EmbeddingScale, x);
        if (positions is null)
            return;
        var row = compute.Scratch(s_position, config.HiddenSize);
        for (var t = 0; t < ids.Length; t++)
        {
            positions.Matrix.ReadTile(at[t] + config.PositionOffset, 1, 0, row.Length, row, row.Length);
            var target = x.Slice(t * row.Length, row.Length);
            Residual.Add(compute.Pool, target, row, target);
        }
    }

    /// <summary>Adds to the gradients of the table, the positions and the projection, as far as they are trained.</summary>
    public void Backward(Compute compute, ReadOnlySpan<int> ids, ReadOnlySpan<int> at, ReadOnlySpan<float> dx)
    {
        var hidden = config.HiddenSize;
        if (positions?.Parameter is { } position)
            for (var t = 0; t < ids.Length; t++)
                Add(dx.Slice(t * hidden, hidden), position.Gradient.Slice((long)(at[t] + config.PositionOffset) * hidden, hidden));
        var dRows = dx;
        if (config.EmbeddingScale != 1)
        {
            var scaled = compute.Scratch(s_scaledGrad, dx.Length);
            Scaling.Apply(compute.Pool, dx, config.EmbeddingScale, scaled);
            dRows = scaled;
        }
        if (projectIn is not null)
        {
            if (projectIn.Sum is not null)
            {
                var rows = compute.Scratch(s_rows, ids.Length * Width);
                for (var t = 0; t < ids.Length; t++)
                    table.Matrix.ReadTile(ids[t], 1, 0, Width, rows.Slice(t * Width, Width), Width);
                Gemm.WeightGradient(compute.Pool, dRows, rows, ids.Length, hidden, Width, projectIn.Sum);
            }
            var back = compute.Scratch(s_rowsGrad, ids.Length * Width);
            Gemm.BackwardInput(compute.Pool, dRows, ids.Length, projectIn.Matrix, back);
            dRows = back;
        }
        if (table.Parameter is { } parameter)
            for (var t = 0; t < ids.Length; t++)
                if (ids[t] != config.PaddingTokenId)
                    Add(dRows.Slice(t * Width, Width), parameter.Gradient.Slice((long)ids[t] * Width, Width));
        if (table.Tuned is not null)
            BackwardTuned(compute, ids, dRows);
    }

    private void BackwardTuned(Compute compute, ReadOnlySpan<int> ids, ReadOnlySpan<float> dRows)
    {
        var sink = table.BeginGradient()!;
        var row = compute.Scratch(s_tile, Width);
        for (var t = 0; t < ids.Length; t++)
            if (ids[t] != config.PaddingTokenId)
            {
                dRows.Slice(t * Width, Width).CopyTo(row);
                sink.Accept(0, ids[t], 1, 0, Width, row, Width);
            }
        table.EndGradient();
    }

    private static void Add(ReadOnlySpan<float> source, Span<float> target)
    {
        for (var i = 0; i < source.Length; i++)
            target[i] += source[i];
    }
}
