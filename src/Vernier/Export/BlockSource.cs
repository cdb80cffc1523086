using Vernier.Calibration;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>The tensors and the metadata that a quantized GGUF file is made from.</summary>
internal sealed record BlockSource(string Path, GgufMetadata Metadata, IReadOnlyList<QuantizableTensor> Tensors, IReadOnlyList<string> Notes)
{
    /// <summary>A GGUF file of any architecture: order, names and metadata stay.</summary>
    public static BlockSource Of(GgufFile file) => new(file.Path, file.Metadata, [.. file.Tensors.Select(t => Of(file, t))], []);

    /// <summary>A loaded model, as an export would write it.</summary>
    /// <exception cref="NotSupportedException">The family has no GGUF names.</exception>
    public static BlockSource Of(LoadedModel model)
    {
        var notes = new List<string>();
        var metadata = GgufMetadataBuilder.Build(model, notes);
        var tensors = StoredWeight.Of(model.Decoder, StoredTensors.OfGguf(model.Config)).Select(w => Of(model, w)).ToList();
        tensors.AddRange(GgufMetadataBuilder.RopeTensors(model.Config).Select(t => Unquantized(PlannedTensor.Values(t.Name, t.Factors))));
        return new(model.Source.Path, metadata, tensors, notes);
    }

    private static QuantizableTensor Of(GgufFile file, GgufTensor tensor) =>
        new(tensor.Plan, $"{file.Path}: tensor '{tensor.Name}'", (row, values) => file.ReadRow(tensor, row, values), PlannedTensor.Copy(file, tensor));

    private static QuantizableTensor Of(LoadedModel model, StoredWeight weight)
    {
        if (weight.Matrix is not { } matrix)
            return Unquantized(PlannedTensor.Floats(weight.Name, [weight.Vector!.Value.Length], BlockFormats.F32, weight.Vector, weight.Order));
        int[] rows = [.. weight.Order.ModelRows(matrix.Rows)];
        var asItIs = PlannedTensor.Floats(weight.Name, weight.Dimensions, BlockMixture.Quantizes(weight.Name, weight.Dimensions) ? BlockFormats.F16 : BlockFormats.F32, matrix, weight.Order);
        return new(asItIs.Plan, $"{model.Source.Path}: '{weight.Name}'", (row, values) => matrix.ReadTile(rows[row], 1, 0, matrix.Columns, values, matrix.Columns), asItIs);
    }

    private static QuantizableTensor Unquantized(PlannedTensor tensor) => new(tensor.Plan, tensor.Plan.Name, (_, _) => throw new NotSupportedException(tensor.Plan.Name), tensor);
}
