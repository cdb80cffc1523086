using System.Runtime.Intrinsics;

namespace Vernier.Quantization.Blocks;

/// <summary>The numbers that the codes of a block format stand for, before the scale: code 0 is the least of them.</summary>
internal interface ILevels
{
    float Lowest { get; }

    float Highest { get; }

    /// <summary>The nearest level of each number.</summary>
    Vector256<float> Nearest(Vector256<float> values);

    /// <summary>The code of the nearest level.</summary>
    byte Code(float value);
}
