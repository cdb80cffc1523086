using Vernier.Evaluation.Tasks;

namespace Vernier.Evaluation;

/// <summary>The tasks whose data is one JSON Lines file.</summary>
internal static class ChoiceTasks
{
    public static IReadOnlyList<ChoiceTask> All { get; } =
        [Piqa.Task, Arc.Easy, Arc.Challenge, OpenBookQa.Task, HellaSwag.Task, WinoGrande.Task, BoolQ.Task];
}
