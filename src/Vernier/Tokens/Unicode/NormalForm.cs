namespace Vernier.Tokens.Unicode;

/// <summary>Unicode's normal forms.</summary>
internal enum NormalForm
{
    /// <summary>Canonical decomposition, then composition.</summary>
    C,

    /// <summary>Canonical decomposition.</summary>
    D,

    /// <summary>Compatibility decomposition, then composition.</summary>
    KC,

    /// <summary>Compatibility decomposition.</summary>
    KD,
}
