using System.Text.Json;

namespace Vernier.Tokens;

/// <summary>
/// Reads Hugging Face's tokenizer.json: (1) added_tokens; (2) normalizer; (3) pre_tokenizer; (4) model (BPE or Unigram);
/// (5) post_processor, for BOS; (6) decoder. Plain byte-level BPE and plain SentencePiece have tokenizers of their own;
/// whatever else the file says is done stage by stage.
/// </summary>
internal sealed class TokenizerJsonReader
{
    private const string Space = "\u2581";
    private static readonly string[] BosNames = ["<s>", "<bos>", "<|begin_of_text|>", "<|endoftext|>"];
    private static readonly string[] EosNames = ["</s>", "<eos>", "<|end_of_text|>", "<|endoftext|>"];

    private readonly string _path;
    private readonly TokenizerConfig _config;
    private readonly JsonElement _root;
    private readonly TokenizerJsonModel _model;
    private readonly Normalization _normalization;
    private readonly IReadOnlyList<PipelineStage> _stages;

    private TokenizerJsonReader(string path, JsonElement root, TokenizerConfig config)
    {
        (_path, _root, _config) = (path, root, config);
        _model = TokenizerJsonModel.Read(path, root);
        _normalization = NormalizerJson.Read(path, root.Find("normalizer"));
        _stages = PreTokenizerJson.Read(path, root.Find("pre_tokenizer"));
    }

    public static ITokenizer Read(string path, TokenizerConfig config) => TokenizerJson.Read(path, root =>
    {
        var reader = new TokenizerJsonReader(path, root, config);
        var spelling = DecoderJson.Read(path, root.Find("decoder"));
        var isByteLevel = spelling.IsByteLevel || reader._stages.Any(stage => stage is PipelineStage.ByteLevel);
        ITokenizer? plain = isByteLevel ? reader.BytePair() : reader.SentencePiece();
        return plain is not null && reader.IsWholly(plain) ? plain : reader.Pipeline(spelling, plain);
    });

    /// <summary>The plain tokenizer does all that the file says; else it only comes near.</summary>
    private bool IsWholly(ITokenizer plain) => plain switch
    {
        BytePairTokenizer => _model.UnknownToken is null || HasAllBytes(),
        _ => (_normalization.IsNone || !_model.Added.Any(token => token.IsNormalized))
            && (_model.IsUnigram || (_model.FusesUnknown && _model.UnknownToken is not null) || (_model.IsByteFallback && HasAllByteTokens())),
    };

    private bool HasAllBytes() => _model.HasAll(Enumerable.Range(0, 256).Select(value => ByteAlphabet.ToChar((byte)value).ToString()));

    private bool HasAllByteTokens() => _model.HasAll(Enumerable.Range(0, 256).Select(value => $"<0x{value:X2}>"));

    private bool IsPlainModel => _model.ContinuingPrefix.Length + _model.EndOfWordSuffix.Length == 0;

    private BytePairTokenizer? BytePair()
    {
        if (_model.IsUnigram || !IsPlainModel || _model.IsByteFallback || _normalization.Rules.Any(rule => rule is Normalization.ByteLevel)
            || _stages is not [.., PipelineStage.ByteLevel bytes] || (bytes.AddsPrefixSpace && _stages.Count > 1)
            || _stages.SkipLast(1).Any(stage => stage is not PipelineStage.Cut))
            return null;
        var rules = _stages.OfType<PipelineStage.Cut>().Select(cut => cut.Rule).ToList();
        if (bytes.UsesPattern)
            rules.Add(new PreTokenization.Split(Gpt2PreTokenizer.Pattern));
        var vocabulary = new Vocabulary(_model.Pieces, Kinds());
        var bos = Bos(vocabulary);
        return new BytePairTokenizer(new BytePairDefinition(_path, vocabulary, _model.Merges(vocabulary), new PreTokenization(rules), _model.Added)
        {
            BosId = bos,
            EosId = Eos(vocabulary),
            AddsBos = AddsBos() ?? (bos is { } id && vocabulary[id] == "<|begin_of_text|>"),
            IgnoresMerges = _model.IgnoresMerges,
            AddsPrefixSpace = bytes.AddsPrefixSpace,
            Normalization = _normalization,
        });
    }

    private SentencePieceTokenizer? SentencePiece()
    {
        if (!IsPlainModel || _model.IgnoresMerges || SpaceRules() is not { } rules)
            return null;
        var kinds = Kinds();
        var unknown = _model.UnknownId;
        if (unknown is { } unknownId)
            kinds[unknownId] = TokenKind.Unknown;
        if (_model.IsByteFallback)
            for (var id = 0; id < kinds.Length; id++)
                if (_model.Pieces[id] is { } piece && SentencePieceTokenizer.ByteOf(piece) is not null)
                    kinds[id] = TokenKind.Byte;
        var vocabulary = new Vocabulary(_model.Pieces, kinds);
        return new SentencePieceTokenizer(rules with
        {
            Vocabulary = vocabulary,
            SpecialTokens = _model.Added,
            Scores = _model.Scores,
            Merges = _model.IsUnigram ? null : _model.Merges(vocabulary),
            IsUnigram = _model.IsUnigram,
            BosId = Bos(vocabulary),
            EosId = Eos(vocabulary),
            UnknownId = unknown,
            AddsBos = AddsBos() ?? true,
        });
    }

    /// <summary>What normalizer and pre-tokenizer say of spaces, where they say no more than SentencePiece can; else null.</summary>
    private SentencePieceDefinition? SpaceRules()
    {
        var definition = new SentencePieceDefinition(_path, new Vocabulary([]), []) { Prefix = PrefixSpace.Never };
        var rules = _normalization.Rules.ToList();
        if (rules is [Normalization.Replace { IsLiteral: false, Pattern: TokenizerJsonWriter.OuterSpaces, Content: "" },
            Normalization.Replace { IsLiteral: false, Pattern: TokenizerJsonWriter.RepeatedSpaces, Content: " " }, ..])
        {
            definition = definition with { RemovesExtraSpaces = true };
            rules.RemoveRange(0, 2);
        }
        if (rules is [Normalization.Prepend { Text: Space }, .. var rest])
        {
            definition = definition with { Prefix = PrefixSpace.Always };
            rules = [.. rest];
        }
        var replaces = rules is [Normalization.Replace { IsLiteral: true, Pattern: " ", Content: Space }];
        if (replaces)
            return _stages is [] or [PipelineStage.Cut { Rule: PreTokenization.Split { Pattern: " ", IsLiteral: true } }] ? definition : null;
        if (rules.Count > 0 || definition.Prefix != PrefixSpace.Never || _stages is not [PipelineStage.Metaspace { Mark: SentencePieceTokenizer.Space } metaspace])
            return null;
        return definition with { Prefix = metaspace.Prefix, KeepsPresentSpace = metaspace.Prefix != PrefixSpace.Never, SplitsAtSpaces = metaspace.Splits };
    }

    private PipelineTokenizer Pipeline(PieceSpelling spelling, ITokenizer? simplified)
    {
        var vocabulary = new Vocabulary(_model.Pieces, Kinds());
        return new PipelineTokenizer(new PipelineDefinition(_path, vocabulary, _model.Added)
        {
            Normalization = _normalization,
            Stages = _stages,
            Merges = _model.Merges(vocabulary),
            Scores = _model.IsUnigram ? _model.Scores : null,
            IsByteFallback = _model.IsByteFallback,
            IgnoresMerges = _model.IgnoresMerges,
            FusesUnknown = _model.FusesUnknown,
            ContinuingPrefix = _model.ContinuingPrefix,
            EndOfWordSuffix = _model.EndOfWordSuffix,
            UnknownId = _model.UnknownId,
            BosId = Bos(vocabulary),
            EosId = Eos(vocabulary),
            AddsBos = AddsBos() ?? !spelling.IsByteLevel,
            Spelling = spelling,
            Simplified = simplified,
        });
    }

    private TokenKind[] Kinds()
    {
        var kinds = new TokenKind[_model.Pieces.Length];
        Array.Fill(kinds, TokenKind.Normal);
        foreach (var token in _model.Added)
            kinds[token.Id] = token.IsControl ? TokenKind.Control : TokenKind.UserDefined;
        return kinds;
    }

    private int? Bos(Vocabulary vocabulary) => FirstKnown(vocabulary, [_config.BosToken, LeadingSpecial(), .. BosNames]);

    private int? Eos(Vocabulary vocabulary) => FirstKnown(vocabulary, [_config.EosToken, .. EosNames]);

    private static int? FirstKnown(Vocabulary vocabulary, IEnumerable<string?> names) =>
        names.OfType<string>().Select(vocabulary.Find).FirstOrDefault(id => id is not null);

    private bool? AddsBos() => _config.AddsBos ?? (LeadingSpecial() is not null ? true : null);

    /// <summary>The special token that the post-processor puts in front of a text, or null.</summary>
    private string? LeadingSpecial() => TokenizerJson.Flatten(_root.Find("post_processor"), "processors")
        .Select(processor => processor.Text("type") switch
        {
            "TemplateProcessing" => processor.Items("single").FirstOrDefault() is { ValueKind: JsonValueKind.Object } first ? first.Find("SpecialToken")?.Text("id") : null,
            "BertProcessing" or "RobertaProcessing" => processor.Items("cls").FirstOrDefault() is { ValueKind: JsonValueKind.String } first ? first.GetString() : null,
            _ => null,
        })
        .FirstOrDefault(id => id is not null);
}
