using System.Text.Json.Nodes;
using Vernier.Files.Packings;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.Kernels;

namespace Vernier.Export;

/// <summary>A packing of Hugging Face folders that models are written in. A refusal says what holds the matrix instead.</summary>
internal interface IPackedTarget
{
    /// <summary>As <c>quant_method</c> and <c>--to</c> spell it.</summary>
    string Name { get; }

    /// <summary>Who is to read the tensors, as their file's metadata state it.</summary>
    string Framework { get; }

    /// <summary>Embeddings and heads are packed too; else only the linears of the blocks.</summary>
    bool PacksEmbeddings { get; }

    /// <summary>The layer that is stored: the codes as they are, in as many bits as the packing has, with its zero points or offsets.</summary>
    /// <param name="statedZeros">The zero points that the source states, [rows * groups], for scales that are 0; null where it states none.</param>
    /// <exception cref="NotSupportedException">The packing cannot hold the matrix.</exception>
    QuantizedLayer Layer(PackedMatrix matrix, Func<int[]?> statedZeros);

    /// <summary>The settings that config.json states for a model.</summary>
    /// <param name="packed">The layers that are packed.</param>
    /// <param name="plain">Linears of the blocks that are not.</param>
    /// <exception cref="NotSupportedException">One set of settings cannot state them all.</exception>
    JsonObject Settings(IReadOnlyList<PackedModule> packed, IReadOnlyList<string> plain);

    /// <summary>A source's own settings, changed where something else was asked for.</summary>
    /// <exception cref="NotSupportedException">What was asked for cannot hold a layer.</exception>
    JsonObject Adapt(JsonObject settings, IReadOnlyList<PackedModule> packed) => settings;

    /// <summary>The tensors of a layer, under settings that <see cref="Settings"/> made or that a source had.</summary>
    /// <exception cref="NotSupportedException">Sizes that do not fill the packing's words.</exception>
    IReadOnlyList<SafetensorsPlan> Plan(PackedModule module, ElementType scaleType);

    /// <summary>Their bytes, in the same order.</summary>
    /// <exception cref="NotSupportedException">A number that the packing cannot hold.</exception>
    IReadOnlyList<byte[]> Pack(QuantizedLayer layer, JsonObject settings, ElementType scaleType);
}
