using System.Text.Json.Nodes;
using Vernier.Files.Packings;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>A packing of Hugging Face folders that models are written in. A refusal says what holds the matrix instead.</summary>
/// <param name="name">As <c>quant_method</c> and <c>--to</c> spell it.</param>
/// <param name="framework">Who is to read the tensors, as their file's metadata state it.</param>
/// <param name="packsEmbeddings">Embeddings and heads are packed too; else only the linears of the blocks.</param>
internal abstract class PackedTarget(string name, string framework, bool packsEmbeddings)
{
    /// <summary>As <c>quant_method</c> and <c>--to</c> spell it.</summary>
    public string Name { get; } = name;

    /// <summary>Who is to read the tensors, as their file's metadata state it.</summary>
    public string Framework { get; } = framework;

    /// <summary>Embeddings and heads are packed too; else only the linears of the blocks.</summary>
    public bool PacksEmbeddings { get; } = packsEmbeddings;

    /// <summary>The layer that is stored: the codes as they are, in as many bits as the packing has, with its zero points or offsets.</summary>
    /// <param name="statedZeros">The zero points that the source states, [rows * groups], for scales that are 0; null where it states none.</param>
    /// <exception cref="NotSupportedException">The packing cannot hold the matrix.</exception>
    public QuantizedLayer Layer(PackedMatrix matrix, Func<int[]?> statedZeros) => matrix.Codebook.IsEmpty
        ? Unpack(matrix, statedZeros)
        : throw new NotSupportedException("its codes stand for the entries of a table: native holds it");

    /// <summary>The settings that config.json states for a model.</summary>
    /// <param name="packed">The layers that are packed.</param>
    /// <param name="plain">Linears of the blocks that are not.</param>
    /// <exception cref="NotSupportedException">One set of settings cannot state them all.</exception>
    public abstract JsonObject Settings(IReadOnlyList<PackedModule> packed, IReadOnlyList<string> plain);

    /// <summary>A source's own settings, changed where something else was asked for.</summary>
    /// <exception cref="NotSupportedException">What was asked for cannot hold a layer.</exception>
    public virtual JsonObject Adapt(JsonObject settings, IReadOnlyList<PackedModule> packed) => settings;

    /// <summary>The tensors of a layer, under settings that <see cref="Settings"/> made or that a source had.</summary>
    /// <exception cref="NotSupportedException">Sizes that do not fill the packing's words.</exception>
    public abstract IReadOnlyList<SafetensorsPlan> Plan(PackedModule module, ElementType scaleType);

    /// <summary>Their bytes, in the same order.</summary>
    /// <exception cref="NotSupportedException">A number that the packing cannot hold.</exception>
    public abstract IReadOnlyList<byte[]> Pack(QuantizedLayer layer, JsonObject settings, ElementType scaleType);

    /// <summary><see cref="Layer"/> of a matrix whose codes are numbers.</summary>
    private protected abstract QuantizedLayer Unpack(PackedMatrix matrix, Func<int[]?> statedZeros);

    /// <summary>Refuses groups that are not runs of columns.</summary>
    /// <exception cref="NotSupportedException">The matrix has an activation order.</exception>
    private protected static void RequireGroupsInOrder(PackedMatrix matrix)
    {
        if (!matrix.GroupIndex.IsEmpty)
            throw new NotSupportedException("its groups are not runs of columns (act-order): gptq and native hold it");
    }
}
