namespace Vernier.Tokens;

/// <summary>Text to ids and back. Implemented by byte-level BPE and by SentencePiece. Safe for use by many threads at once.</summary>
public interface ITokenizer
{
    /// <summary>Number of ids.</summary>
    int VocabularySize { get; }

    /// <summary>Id that begins a text; null where there is none.</summary>
    int? BosId { get; }

    /// <summary>Id that ends a text; null where there is none.</summary>
    int? EosId { get; }

    /// <summary>The id of text that the vocabulary cannot spell, or null.</summary>
    int? UnknownId => null;

    /// <summary>The model wants BOS in front of a text.</summary>
    bool AddsBos { get; }

    /// <summary>Encoding puts a space in front of a text, so decoding drops one there.</summary>
    bool DropsLeadingSpace => false;

    /// <summary>The ids of a text, without BOS or EOS. A lone surrogate counts as U+FFFD.</summary>
    /// <param name="parseSpecial">Special tokens written in the text become their ids; otherwise they are plain text.</param>
    int[] Encode(string text, bool parseSpecial = true);

    /// <summary>The whole text of the ids; an impossible byte sequence gives U+FFFD. An id above the vocabulary has no text: models may have more rows than tokens.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An id is negative.</exception>
    string Decode(IEnumerable<int> ids);

    /// <summary>How the vocabulary spells an id; empty for one above the vocabulary.</summary>
    string Piece(int id);

    /// <summary>The bytes of a token as they appear in text; none for an id above the vocabulary.</summary>
    byte[] TokenBytes(int id);

    /// <summary>The id of a piece, or null.</summary>
    int? Find(string piece);

    /// <summary>The id is a marker such as BOS or an end of turn, not text.</summary>
    bool IsSpecial(int id) => id == BosId || id == EosId;
}
