using Vernier.Files.Gguf.Blocks;

namespace Vernier.Calibration;

/// <summary>llama.cpp's mixtures by their names: the format that most tensors get, those that get a better one because more is lost in them (values, the down
/// projections of some layers, the head), and what a tensor gets whose rows are not whole blocks. Which tensor gets what is as <c>llama-quantize</c> does it.</summary>
internal sealed class BlockMixture
{
    private BlockMixture(string name, string format, uint fileType) => (Name, Format, FileType) = (name, BlockFormats.Find(format)!, fileType);

    /// <summary>All mixtures, by the bits that they take.</summary>
    public static IReadOnlyList<BlockMixture> All { get; } =
    [
        new("q2_k", "Q2_K", 10),
        new("q2_k_s", "Q2_K", 21),
        new("q3_k_s", "Q3_K", 11),
        new("q3_k_m", "Q3_K", 12),
        new("q3_k_l", "Q3_K", 13),
        new("iq4_xs", "IQ4_XS", 30),
        new("iq4_nl", "IQ4_NL", 25),
        new("q4_0", "Q4_0", 2),
        new("q4_1", "Q4_1", 3),
        new("q4_k_s", "Q4_K", 14),
        new("q4_k_m", "Q4_K", 15),
        new("q5_0", "Q5_0", 8),
        new("q5_1", "Q5_1", 9),
        new("q5_k_s", "Q5_K", 16),
        new("q5_k_m", "Q5_K", 17),
        new("q6_k", "Q6_K", 18),
        new("q8_0", "Q8_0", 7),
    ];

    private static readonly Dictionary<string, string> s_shortNames = new() { ["q3_k"] = "q3_k_m", ["q4_k"] = "q4_k_m", ["q5_k"] = "q5_k_m" };

    /// <summary>As on the command line.</summary>
    public string Name { get; }

    /// <summary>Of most tensors.</summary>
    public BlockFormat Format { get; }

    /// <summary>The number of <c>general.file_type</c>.</summary>
    public uint FileType { get; }

    /// <summary>All names, the short ones too.</summary>
    public static IReadOnlyList<string> Names { get; } = [.. All.Select(m => m.Name).Concat(s_shortNames.Keys).Order(StringComparer.Ordinal)];

    /// <summary>The mixture of a name in any case, or null.</summary>
    public static BlockMixture? Find(string name)
    {
        var lower = name.ToLowerInvariant();
        return All.FirstOrDefault(m => m.Name == s_shortNames.GetValueOrDefault(lower, lower));
    }

    /// <summary>Whether a tensor is quantized at all: matrices are, but for norms, routers and what is looked up by place.</summary>
    public static bool Quantizes(string tensor, IReadOnlyList<long> dimensions) =>
        tensor.EndsWith("weight", StringComparison.Ordinal) && dimensions.Skip(1).Any(d => d > 1) && !s_plain.Any(p => tensor.Contains(p, StringComparison.Ordinal));

    private static readonly string[] s_plain =
        ["_norm.weight", "ffn_gate_inp", "position_embd.weight", "token_types.weight", "ssm_conv1d", "shortconv.conv.weight", "time_mix_", "attn_rel_b.weight", "altup", "laurel", "per_layer_model_proj"];

    /// <summary>The format of a tensor that is quantized.</summary>
    /// <param name="columns">Of a row.</param>
    public BlockFormat FormatOf(string tensor, long columns, MixtureModel model)
    {
        var name = Wanted(tensor, columns, model);
        var format = BlockFormats.Find(name)!;
        if (columns % format.BlockSize == 0)
            return format;
        format = BlockFormats.Find(name switch
        {
            "Q4_K" => "Q5_0",
            "Q5_K" => "Q5_1",
            "Q6_K" => "Q8_0",
            "Q2_K" or "Q3_K" => "Q4_0",
            _ => "IQ4_NL",
        })!;
        return columns % format.BlockSize == 0 ? format : BlockFormats.F16;
    }

    /// <summary>Whether a tensor of so few bits asks for importances: without them it is worth little.</summary>
    public bool NeedsImportance(string tensor, BlockFormat format) => Name == "q2_k_s" && format.Name == "Q2_K" && tensor != "token_embd.weight";

    private string Wanted(string tensor, long columns, MixtureModel model)
    {
        if (tensor == "output.weight" || tensor == "token_embd.weight" && !model.HasOutput)
            return model.Architecture == "falcon" || columns % Format.BlockSize != 0 ? "Q8_0" : Format.Name == "Q8_0" ? "Q8_0" : "Q6_K";
        if (tensor is "token_embd.weight" or "per_layer_token_embd.weight")
            return Format.Name;
        if (MixtureModel.HasValues(tensor))
            return Value(model.PlaceOf(tensor), model);
        if (tensor.Contains("attn_k.weight", StringComparison.Ordinal))
            return model.Experts == 8 ? "Q8_0" : Format.Name;
        if (tensor.Contains("ffn_down", StringComparison.Ordinal))
            return Down(model.PlaceOf(tensor), model);
        if (tensor.Contains("attn_output.weight", StringComparison.Ordinal))
            return AttentionOutput(model);
        return Format.Name;
    }

    private string Value(int place, MixtureModel model)
    {
        var shared = model.QueriesPerKey >= 4;
        var wanted = Name switch
        {
            "q2_k" => shared ? "Q4_K" : "Q3_K",
            "q2_k_s" when shared => "Q4_K",
            "q3_k_m" => place < 2 ? "Q5_K" : "Q4_K",
            "q3_k_l" => "Q5_K",
            "iq4_nl" or "iq4_xs" when shared => "Q5_K",
            "q4_k_m" or "q5_k_m" when UsesMoreBits(place, model.ValueTensors) => "Q6_K",
            "q4_k_s" when place < 4 => "Q5_K",
            _ => Format.Name,
        };
        if (model.SharesValues && wanted is "Q3_K" or "Q4_K")
            wanted = "Q5_K";
        return model.Experts == 8 ? "Q8_0" : wanted;
    }

    private string Down(int place, MixtureModel model)
    {
        var (layers, falcon) = (model.Layers, model.Architecture == "falcon");
        return Name switch
        {
            "q2_k" => "Q3_K",
            "q2_k_s" when place < layers / 8 => "Q4_K",
            "q3_k_m" => place < layers / 16 ? "Q5_K" : !falcon || UsesMoreBits(place, layers) ? "Q4_K" : "Q3_K",
            "q3_k_l" => falcon ? "Q4_K" : "Q5_K",
            "q4_k_m" when falcon => place < layers / 16 ? "Q6_K" : UsesMoreBits(place, layers) ? "Q5_K" : "Q4_K",
            "q4_k_m" or "q5_k_m" when UsesMoreBits(place, layers) => "Q6_K",
            "iq4_nl" or "iq4_xs" when place < layers / 8 && !model.HasImportance => "Q5_K",
            "q4_k_s" when !falcon && place < layers / 8 => "Q5_K",
            "q4_0" or "q5_0" when model.HasImportance && place < layers / 8 => Name == "q4_0" ? "Q4_1" : "Q5_1",
            _ => Format.Name,
        };
    }

    private string AttentionOutput(MixtureModel model) => (Name, model.Architecture == "falcon", model.Experts == 8) switch
    {
        ("q3_k_l", true, _) => "Q4_K",
        (_, true, _) => Format.Name,
        ("q2_k" or "q3_k_s" or "q3_k_m" or "q4_k_s" or "q4_k_m" or "iq4_nl" or "iq4_xs", _, true) => "Q5_K",
        (_, _, true) => Format.Name,
        ("q2_k", _, _) => "Q3_K",
        ("q3_k_m", _, _) => "Q4_K",
        ("q3_k_l", _, _) => "Q5_K",
        _ => Format.Name,
    };

    /// <summary>The first and last eighth of the layers, and every third between.</summary>
    private static bool UsesMoreBits(int place, int layers) => place < layers / 8 || place >= 7 * layers / 8 || (place - layers / 8) % 3 == 2;
}
