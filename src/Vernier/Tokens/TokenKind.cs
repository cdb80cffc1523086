namespace Vernier.Tokens;

/// <summary>What a vocabulary entry is; the numbers are those of SentencePiece and of GGUF's <c>tokenizer.ggml.token_type</c>.</summary>
internal enum TokenKind : byte
{
    Normal = 1,
    Unknown = 2,
    Control = 3,

    /// <summary>Found in text as a whole before anything else, but text like any other.</summary>
    UserDefined = 4,
    Unused = 5,

    /// <summary>One byte, spelled <c>&lt;0xNN&gt;</c>.</summary>
    Byte = 6,
}
