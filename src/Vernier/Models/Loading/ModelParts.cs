using Vernier.Tokens;

namespace Vernier.Models;

/// <summary>What a file or folder gives to a <see cref="LoadedModel"/>.</summary>
/// <param name="Tokenizer">Reads the tokenizer when it is first asked for; null = the model has none.</param>
/// <param name="Reload">Restores the decoder's base from where it came; null = the base is kept in memory.</param>
internal sealed record ModelParts(Decoder Decoder, ModelSource Source, Func<LoadedTokenizer?>? Tokenizer = null, Action<Decoder>? Reload = null);
