using Vernier.Fingerprint.Inputs;

namespace Vernier.Fingerprint;

/// <summary>The fixed set of runs. Names are part of committed hashes: add runs, but never change what a name stands for.</summary>
internal static class Runs
{
    private const string Data = "../inputs/pairs.jsonl";
    private const string Rows = "../inputs/score.jsonl";
    private const string Prompt = "40,41,42,43,44,45,46";

    private static readonly string[] s_short = ["--data", Data, "--steps", "3", "--batch", "2", "--context", "32"];

    public static IEnumerable<Track> All(Tier tier) =>
    [
        .. Family.All.Select(f => OfFamily(f.Name, tier.Whole)),
        .. Methods(tier.Whole),
        .. BlockType.All.Where(t => tier.Whole || t.Name is "Q4_0" or "Q5_1" or "Q8_0" or "Q3_K" or "Q6_K" or "IQ4_NL" or "F16").Select(t => OfBlocks(t.Name, tier.Whole)),
        .. Quantizers(tier.Whole),
        .. Packings(tier.Whole),
        .. tier.Whole ? Others() : [],
    ];

    private static Track OfFamily(string name, bool whole)
    {
        var (track, input) = ($"family-{name}", $"../inputs/{name}");
        return new(track,
        [
            new("base", "quantize", input, "--bits", "4", "--group", "32", "--out", $"{track}/base"),
            .. Uses(track, "base", $"{track}/base"),
            .. Uses(track, "dense", input, generate: false),
            new("peqa", ["tune", $"{track}/base", "--out", $"{track}/peqa", .. s_short]),
            new("peqa-int8", ["tune", $"{track}/base", "--out", $"{track}/peqa-int8", "--compute", "int8", .. s_short]),
            .. whole
                ? [.. Uses(track, "tuned", $"{track}/base", generate: true, "--adapter", $"{track}/peqa"), Export(track, "merged", $"{track}/base", "hf", "--adapter", $"{track}/peqa")]
                : (Job[])[],
        ]);
    }

    /// <summary>Log-probabilities and generated tokens, in fp32 and in int8.</summary>
    private static IEnumerable<Job> Uses(string track, string name, string model, bool generate = true, params string[] more)
    {
        foreach (var compute in (string[])["fp32", "int8"])
        {
            yield return new($"{name}-score-{compute}", ["score", model, "--file", Rows, "--out", $"{track}/{name}-score-{compute}.jsonl", "--compute", compute, .. more]);
            if (generate)
                yield return new($"{name}-generate-{compute}", ["generate", model, "--prompt-ids", Prompt, "--max-tokens", "24", "--json", $"{track}/{name}-generate-{compute}.json", "--compute", compute, .. more]);
        }
    }

    private static Job Export(string track, string name, string model, string to, params string[] more) =>
        new(name, ["export", model, "--to", to, "--out", $"{track}/{name}{(to == "gguf" ? ".gguf" : "")}", .. more]);

    private static IEnumerable<Track> Methods(bool whole)
    {
        const string Bits = "--bits 4 --group 32";
        yield return Method("peqa", whole, "--granularity channel,separable,group,low-rank --parameterize factor,scale --train scales,zeros,both " + Bits,
            ["channel", "separable", "group", "low-rank"], "--granularity {0} " + Bits, ["native", "hf", "gguf", "mlx"]);
        yield return Method("peqa-rows", whole, "--granularity channel,separable,low-rank --bits 3 --group 0 --scheme rtn,rtn-sym,mse", [], "", []);
        yield return Method("bcq", whole, "--granularity channel --scheme bcq --bits 2,3 --group 32", ["2"], "--scheme bcq --bits {0} --group 32", ["hf"]);
        yield return Method("l4q", whole, "--method l4q --init l4q,lsq+,symm,asymm --gradient-scale true,false " + Bits, ["l4q", "symm"], "--method l4q --init {0} " + Bits, ["native", "gguf"]);
        yield return Method("qat-lora", whole, "--method qat-lora --init l4q,lsq+ --dropout 0,0.1 " + Bits, ["lsq+"], "--method qat-lora --init {0} " + Bits, ["hf"]);
        yield return Method("qat", whole, "--method qat --init rtn,lsq --scope block,all " + Bits, ["rtn"], "--method qat --init {0} " + Bits, ["native"]);
        yield return Method("qa-lora", whole, "--method qa-lora --rank 2,4 --targets all " + Bits, ["4"], "--method qa-lora --rank {0} " + Bits, ["native"]);
        yield return Method("lora", whole, "--method lora --rank 2,4 --targets all --dropout 0,0.2", ["4"], "--method lora --rank {0}", ["hf"]);
        yield return Method("qlora", whole, "--method qlora --scheme rtn,nf4 --init zero,loftq " + Bits, ["rtn", "nf4"], "--method qlora --init loftq --scheme {0} " + Bits, ["hf"]);
        yield return Method("full", whole, "--method full --scope block,all --weight-decay 0,0.1", ["block"], "--method full --scope {0}", ["hf"]);
        yield return Method("training", whole, "--granularity group --schedule constant,linear,cosine --accumulate 1,2 --clip 0,1 --shuffle true,false " + Bits, [], "", []);
    }

    /// <summary>A sweep over everything that a method can be told, in fp32 and in int8; then single runs and what is made of them.</summary>
    private static Track Method(string name, bool whole, string sweep, string[] variants, string options, string[] formats)
    {
        var track = $"method-{name}";
        const string Model = "../inputs/llama";
        return new(track,
        [
            new("sweep", ["sweep", Model, "--out", $"{track}/sweep", .. s_short, .. sweep.Split(' ')]),
            new("sweep-int8", ["sweep", Model, "--out", $"{track}/sweep-int8", "--compute", "int8", .. s_short, .. sweep.Split(' ')]),
            .. variants.SelectMany(variant => (Job[])
            [
                new(variant, ["tune", Model, "--out", $"{track}/{variant}", .. s_short, .. options.Replace("{0}", variant, StringComparison.Ordinal).Split(' ')]),
                .. Uses(track, $"{variant}-use", Model, generate: false, "--adapter", $"{track}/{variant}"),
                .. whole ? formats.Select(f => Export(track, $"{variant}-{f}", Model, f, "--adapter", $"{track}/{variant}")) : [],
            ]),
        ]);
    }

    private static Track OfBlocks(string type, bool whole)
    {
        var (track, input) = ($"gguf-{type}", $"../inputs/{type}.gguf");
        return new(track,
        [
            .. Uses(track, "base", input, generate: whole),
            new("tuned", ["tune", input, "--out", $"{track}/tuned", "--granularity", "group", "--data", "../inputs/ids.jsonl", "--steps", "2", "--batch", "2", "--context", "32"]),
            .. whole
                ? [
                    Export(track, "hf", input, "hf"),
                    Export(track, "native", input, "native"),
                    Export(track, "gguf", input, "gguf"),
                    Export(track, "tuned-gguf", input, "gguf", "--adapter", $"{track}/tuned"),
                ]
                : (Job[])[],
        ]);
    }

    private static IEnumerable<Track> Quantizers(bool whole)
    {
        foreach (var bits in (string[])["2", "3", "4", "5", "6", "7", "8"])
            foreach (var group in (string[])["0", "32"])
                if (whole || group == "32")
                    yield return Quantized($"{bits}-{group}-rtn", whole, "--bits", bits, "--group", group);
        if (!whole)
            yield break; // the others differ in their codes only
        foreach (var scheme in (string[])["rtn-sym", "mse"])
            yield return Quantized($"4-32-{scheme}", whole: true, "--bits", "4", "--group", "32", "--scheme", scheme);
        string[] gptq = ["--bits", "4", "--group", "32", "--scheme", "gptq", "--calibration", "../inputs/text.txt", "--samples", "4", "--context", "32"];
        yield return Quantized("4-32-gptq", whole: true, gptq);
        yield return Quantized("4-32-gptq-act-order", whole: true, [.. gptq, "--act-order"]);
        yield return Quantized("mixed", whole: true, "--bits", "4", "--group", "32", "--override", "down_proj=8");
    }

    /// <summary>A quantized folder, its use, and every packing of it.</summary>
    private static Track Quantized(string name, bool whole, params string[] options)
    {
        var track = $"quantized-{name}";
        var model = $"{track}/native";
        return new(track,
        [
            new("native", ["quantize", "../inputs/llama", "--out", model, .. options]),
            .. Uses(track, "use", model, generate: false),
            .. whole
                ? [
                    .. ((string[])["gguf", "gptq", "awq", "mlx", "hf"]).Select(to => Export(track, to, model, to)),
                    Export(track, "gptq-first", model, "gptq", "--checkpoint-format", "gptq"),
                    Export(track, "mlx-f32", model, "mlx", "--dtype", "f32"),
                ]
                : (Job[])[],
        ]);
    }

    private static IEnumerable<Track> Packings(bool whole)
    {
        foreach (var (name, _, _) in PackedFolder.All)
        {
            var (track, input) = ($"packed-{name}", $"../inputs/{name}");
            yield return new(track,
            [
                .. Uses(track, "base", input, generate: whole),
                new("tuned", ["tune", input, "--out", $"{track}/tuned", "--granularity", "separable", .. s_short]),
                .. whole ? [Export(track, "hf", input, "hf"), Export(track, "native", input, "native", "--adapter", $"{track}/tuned")] : (Job[])[],
            ]);
        }
        foreach (var (packing, options) in ((string, string)[])[("gptq", "--scheme gptq --act-order --calibration ../inputs/text.txt --samples 4 --context 32"), ("gptq", "--scheme rtn"), ("awq", "--scheme rtn"), ("mlx", "--scheme rtn")])
        {
            var track = $"again-{packing}{(options.Contains("act-order", StringComparison.Ordinal) ? "-act-order" : "")}";
            yield return new(track,
            [
                new("native", ["quantize", "../inputs/llama3", "--out", $"{track}/native", "--bits", "4", "--group", "32", .. options.Split(' ')]),
                Export(track, "packed", $"{track}/native", packing),
                .. Uses(track, "packed", $"{track}/packed", generate: whole),
                new("tuned", ["tune", $"{track}/packed", "--out", $"{track}/tuned", "--granularity", "group", .. s_short]),
                .. Uses(track, "tuned", $"{track}/packed", generate: false, "--adapter", $"{track}/tuned"),
                .. whole ? [Export(track, "tuned-packed", $"{track}/packed", packing, "--adapter", $"{track}/tuned")] : (Job[])[],
            ]);
        }
    }

    /// <summary>Files of other kinds, data of other kinds, tokens, adapters between adapters: what does not depend on the tier.</summary>
    private static IEnumerable<Track> Others()
    {
        foreach (var name in (string[])["llama-f16", "llama-bf16", "llama-torch", "llama-shards"])
            yield return new($"source-{name}", [.. Uses($"source-{name}", "base", $"../inputs/{name}"), Export($"source-{name}", "hf", $"../inputs/{name}", "hf"), Export($"source-{name}", "gguf", $"../inputs/{name}", "gguf")]);
        yield return new("types", [.. ((string[])["f32", "f16", "bf16"]).SelectMany(type => ((string[])["hf", "gguf"]).Select(to => Export("types", $"{to}-{type}", "../inputs/qwen2", to, "--dtype", type)))]);
        yield return new("tokens", [new("tokens", "tokenize", "../inputs/llama", "--file", "../inputs/tokenize.jsonl", "--out", "tokens/tokens.jsonl")]);
        yield return new("sampling",
            [new("sampled", "generate", "../inputs/llama", "--prompt-ids", Prompt, "--max-tokens", "40", "--temperature", "0.9", "--top-k", "50", "--top-p", "0.9", "--min-p", "0.01", "--repetition-penalty", "1.1", "--json", "sampling/sampled.json")]);
        string[] quick = ["--bits", "4", "--group", "32", "--steps", "2", "--batch", "2", "--context", "32"];
        yield return new("data", [.. ((string[])["text.txt", "chats.jsonl", "ids.jsonl", "pairs.jsonl"]).Select(file => new Job($"on-{Path.GetFileNameWithoutExtension(file)}",
            ["tune", "../inputs/llama", "--data", $"../inputs/{file}", "--eval-data", "../inputs/text.txt", "--keep", "best", "--out", $"data/on-{Path.GetFileNameWithoutExtension(file)}", .. quick]))]);
        foreach (var options in (string[])["--granularity separable", "--granularity low-rank", "--method lora"])
        {
            var track = $"between-{options.Split(' ')[1]}";
            string[] tune = ["tune", "../inputs/llama", "--steps", "2", "--batch", "2", "--context", "32", .. options == "--method lora" ? [] : (string[])["--bits", "4", "--group", "32"], .. options.Split(' ')];
            yield return new(track,
            [
                new("a", [.. tune, "--data", Data, "--out", $"{track}/a"]),
                new("b", [.. tune, "--data", "../inputs/text.txt", "--out", $"{track}/b"]),
                new("between", "adapter", "interpolate", $"{track}/a", $"{track}/b", "--weight", "0.3", "--out", $"{track}/between"),
            ]);
        }
    }
}
