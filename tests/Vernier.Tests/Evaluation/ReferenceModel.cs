using Vernier.Evaluation;
using Vernier.Files.Gguf;
using Vernier.Models;
using Vernier.TestSupport;
using Vernier.Tokens;

namespace Vernier.Tests.Evaluation;

/// <summary>The model that every evaluation golden was made with, loaded once.</summary>
public sealed class ReferenceModel : IDisposable
{
    public const string RelativePath = "models/SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf";

    private readonly Lazy<(Decoder Decoder, ITokenizer Tokenizer, Compute Compute, DecoderScorer Scorer)> _model = new(Load);

    /// <summary>All windows and documents of the goldens instead of the first few.</summary>
    public static bool IsLong => Environment.GetEnvironmentVariable("VERNIER_LONG") == "1";

    public Decoder Decoder => _model.Value.Decoder;

    public ITokenizer Tokenizer => _model.Value.Tokenizer;

    internal DecoderScorer Scorer => _model.Value.Scorer;

    /// <summary>How many of something a test runs.</summary>
    public static int Take(int few) => IsLong ? int.MaxValue : few;

    public void Dispose()
    {
        if (!_model.IsValueCreated)
            return;
        Scorer.Dispose();
        Decoder.Dispose();
        _model.Value.Compute.Dispose();
    }

    private static (Decoder, ITokenizer, Compute, DecoderScorer) Load()
    {
        var path = SharedFiles.At(RelativePath);
        using var file = GgufFile.Open(path);
        var config = GgufConfig.Read(file);
        var decoder = new Decoder(config, new GgufWeights(file, config));
        var compute = new Compute(threads: 1); // tests run beside others: no waiting for a second core
        return (decoder, TokenizerLoader.FromGguf(file.Metadata, path)!.Tokenizer, compute, new DecoderScorer(decoder, compute));
    }
}
