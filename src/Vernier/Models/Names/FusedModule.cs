namespace Vernier.Models;

/// <summary>Several linears of a block that read one input, stored as one tensor.</summary>
/// <param name="Name">Hugging Face's module inside the block.</param>
/// <param name="Gguf">GGUF's; there the linears always lie one behind the other.</param>
/// <param name="InKeyGroups">In Hugging Face's files the rows lie key head by key head: those of the query heads that share it, then its key, then its value.
/// Else linear by linear.</param>
/// <param name="Parts">The linears, in the order of their rows.</param>
internal sealed record FusedModule(string Name, string Gguf, bool InKeyGroups, params string[] Parts);
