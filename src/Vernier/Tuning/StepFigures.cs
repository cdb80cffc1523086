namespace Vernier.Tuning;

/// <summary>What one optimizer step came to.</summary>
/// <param name="Loss">Mean negative log-likelihood over the scored tokens before the update, nats.</param>
/// <param name="GradientNorm">Global norm before clipping.</param>
/// <param name="Tokens">Tokens, scored or not.</param>
/// <param name="Seconds">Duration.</param>
internal readonly record struct StepFigures(double Loss, double GradientNorm, double LearningRate, int Tokens, double Seconds);
