namespace Vernier.Tuning;

/// <summary>What a method makes of one linear, by formula.</summary>
/// <param name="Result">The linear as the tuned model stores it.</param>
/// <param name="Trained">Numbers that training changes.</param>
/// <param name="HeldBytes">Bytes in memory of frozen weights and of quantizer state; what is trained is counted apart.</param>
/// <param name="Products">Matrix products of a step: 2 for forward and the input's gradient, 3 where a weight gradient is needed, whole or in tiles.</param>
public readonly record struct LinearPlan(LinearShape Result, long Trained, long HeldBytes, int Products);
