namespace Vernier.Tokens;

/// <summary>A token that is found in text as a whole before the text is cut into pieces.</summary>
/// <param name="Content">The text it is found by.</param>
/// <param name="Id">Its id.</param>
/// <param name="IsControl">Found only when special tokens are parsed; otherwise it is always found.</param>
/// <param name="StripsLeft">Takes the white space before it along.</param>
/// <param name="StripsRight">Takes the white space after it along.</param>
/// <param name="SingleWord">Found only where no letter, digit or underscore stands beside it.</param>
/// <param name="IsNormalized">Found in text that the normalizer has changed, by its own content changed in the same way.</param>
internal sealed record SpecialToken(
    string Content, int Id, bool IsControl, bool StripsLeft = false, bool StripsRight = false, bool SingleWord = false, bool IsNormalized = false);
