using Vernier.Kernels;

namespace Vernier.Files.Packings;

/// <summary>The packed matrices of a model folder, in the packing that its config names: one implementation a packing. What is not listed here
/// (norms, biases, matrices that were left in full precision) is stored as in every Hugging Face folder.</summary>
internal interface IQuantizedFolder
{
    /// <summary>Name of the packing, as <c>quant_method</c> spells it.</summary>
    string Method { get; }

    /// <summary>Paths of the modules whose weight is packed, e.g. <c>model.layers.0.self_attn.q_proj</c>.</summary>
    IReadOnlyList<string> Modules { get; }

    /// <summary>Sizes of a module's weight, from headers alone.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing or of no possible shape; names the file and the tensor.</exception>
    PackedLayout Describe(string module);

    /// <summary>The tensors that hold a module's weight, the one with the codes first.</summary>
    IReadOnlyList<string> Parts(string module);

    /// <summary>Reads a module's weight: the file's own codes, scales and zero points.</summary>
    /// <exception cref="InvalidDataException">A tensor is missing, does not fit the others, or a scale is not finite; names the file and the tensor.</exception>
    PackedMatrix Read(string module);

    /// <summary>The zero points that the file states, [rows, groups], also those of scales that are 0; null where the packing has none.</summary>
    int[]? ZeroPoints(string module);

    /// <summary>Reads the codes of a row, one a byte, without making a matrix.</summary>
    /// <exception cref="InvalidDataException">As <see cref="Read"/>.</exception>
    Action<int, Span<byte>> Codes(string module);
}
