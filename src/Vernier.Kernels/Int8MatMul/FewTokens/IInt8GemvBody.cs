namespace Vernier.Kernels;

/// <summary>A body of integer products of few tokens, which <see cref="Int8GemvPart"/> runs.</summary>
internal unsafe interface IInt8GemvBody : IMatMulBody
{
    /// <summary>Rows that it takes together: it is given multiples of these.</summary>
    int RowsAtOnce { get; }

    /// <summary>Whether it streams scales as they are kept, so that the factors and the zero point of a task come with the activations and the products;
    /// else it has each row's scales read for it in fp32, the factors in them.</summary>
    bool StreamsScales { get; }

    /// <summary>Whether it reads scales in whole vectors that may reach behind the last row where groups are blocks.</summary>
    bool ReadsBehindScales => false;

    /// <summary>Bytes of a token's activations in the layout of its own; 0 = it takes them as they were rounded.</summary>
    /// <param name="groups">Of the activations.</param>
    int LayoutBytes(int groups) => 0;

    /// <summary>Lays the activations out.</summary>
    /// <param name="to">[tokens, <see cref="LayoutBytes"/>], on a line of the cache.</param>
    void LayOut(in Int8GemvActivations x, sbyte* to)
    {
    }

    void Multiply(in Int8GemvRows rows);
}
