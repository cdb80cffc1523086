namespace Vernier.Evaluation.Tasks;

/// <summary>MMLU: four options A to D on 57 subjects, by convention after five solved examples of the subject.</summary>
internal static class Mmlu
{
    public const string Name = "mmlu";
    public const int UsualShots = 5;

    private static readonly string[] Letters = ["A", "B", "C", "D"];

    public static ChoiceTask Task { get; } = new(Name, HasNorm: false, record =>
    {
        var options = record.Texts("choices");
        if (options.Length != Letters.Length)
            throw new InvalidDataException($"{record.Place}: field 'choices': expected {Letters.Length} options, found {options.Length}");
        var lines = string.Concat(Letters.Zip(options, (letter, option) => $"{letter}. {option}\n"));
        return ChoiceDocument.Of($"{PythonText.Strip(record.Text("question"))}\n{lines}Answer:", Letters, record.Choice("answer", Letters.Length));
    });

    /// <summary>What stands in front of the examples.</summary>
    public static string Description(string subject) =>
        $"The following are multiple choice questions (with answers) about {subject.Replace('_', ' ')}.\n\n";

    /// <summary>stem, humanities, social_sciences or other.</summary>
    public static string Category(string subject) => Stem.Contains(subject) ? "stem" : Humanities.Contains(subject) ? "humanities" : SocialSciences.Contains(subject) ? "social_sciences" : "other";

    private static readonly HashSet<string> Stem =
    [
        "abstract_algebra", "anatomy", "astronomy", "college_biology", "college_chemistry", "college_computer_science", "college_mathematics", "college_physics",
        "computer_security", "conceptual_physics", "electrical_engineering", "elementary_mathematics", "high_school_biology", "high_school_chemistry",
        "high_school_computer_science", "high_school_mathematics", "high_school_physics", "high_school_statistics", "machine_learning",
    ];

    private static readonly HashSet<string> Humanities =
    [
        "formal_logic", "high_school_european_history", "high_school_us_history", "high_school_world_history", "international_law", "jurisprudence",
        "logical_fallacies", "moral_disputes", "moral_scenarios", "philosophy", "prehistory", "professional_law", "world_religions",
    ];

    private static readonly HashSet<string> SocialSciences =
    [
        "econometrics", "high_school_geography", "high_school_government_and_politics", "high_school_macroeconomics", "high_school_microeconomics",
        "high_school_psychology", "human_sexuality", "professional_psychology", "public_relations", "security_studies", "sociology", "us_foreign_policy",
    ];
}
