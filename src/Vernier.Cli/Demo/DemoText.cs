using System.Text;

namespace Vernier.Cli.Demo;

/// <summary>Text that a model of a million parameters learns in seconds: little stories about animals, and two tasks in the very same words.
/// The same seed gives the same text everywhere.</summary>
internal static class DemoText
{
    private static readonly string[] Names = ["Anna", "Tom", "Mia", "Ben", "Lily", "Max", "Rosa", "Sam", "Ella", "Leo"];
    private static readonly string[] Animals = ["fox", "frog", "dog", "cat", "bird", "fish", "bear", "mouse", "duck", "horse", "sheep", "snail", "owl", "crab", "bee", "hen"];
    private static readonly string[] Colours = ["red", "green", "blue", "yellow", "black", "white", "brown", "pink"];
    private static readonly string[] Things = ["ball", "hat", "book", "cake", "boat", "drum", "key", "lamp"];
    private static readonly string[] Places = ["garden", "house", "forest", "park", "school", "kitchen"];
    private static readonly string[] Moods = ["happy", "sad", "tired", "hungry", "proud", "quiet"];

    /// <summary>What the model is made from: stories, and every eighth line remarks on colours, in which every animal can have any colour.</summary>
    public static string Stories(int lines, int seed) => Lines(lines, seed, random =>
        random.Next(8) == 0 ? Remarks(random, _ => Pick(random, Colours)) : Story(random));

    /// <summary>First task: the stories told backwards, sentence by sentence.</summary>
    public static string Backwards(int lines, int seed) => Lines(lines, seed, random =>
        string.Join(". ", Story(random).TrimEnd('.').Split(". ").Reverse()) + ".");

    /// <summary>Second task: facts. Every animal has one colour, the same in every line.</summary>
    public static string Facts(int lines, int seed) => Lines(lines, seed, random => Remarks(random, ColourOf));

    /// <summary>The colour that <see cref="Facts"/> gives an animal: neighbours in the list differ.</summary>
    public static string ColourOf(string animal) => Colours[Array.IndexOf(Animals, animal) * 3 % Colours.Length];

    private static string Lines(int lines, int seed, Func<Random, string> line)
    {
        var random = new Random(seed);
        var text = new StringBuilder();
        for (var i = 0; i < lines; i++)
            text.Append(line(random)).Append('\n');
        return text.ToString();
    }

    /// <summary>Where, how and with what follows from who and which animal: a world to be remembered, which takes the model's weights, not only its habits.</summary>
    private static string Story(Random random)
    {
        var (name, other, animal) = (Pick(random, Names), Pick(random, Names), Pick(random, Animals));
        var place = Known(Places, name, animal);
        var thing = Known(Things, animal, place);
        var ending = random.Next(3) switch
        {
            0 => $"The {animal} took the {thing} and was {Known(Moods, animal, thing)}.",
            1 => $"{other} came to the {place} and took the {Known(Things, other, place)}.",
            _ => $"Now {other} and the {animal} are {Known(Moods, other, animal)}.",
        };
        return $"{name} saw the {animal} in the {place}. The {animal} was {Known(Moods, name, animal)} and {Known(Colours, animal, place)}. {name} gave it a {thing}. {ending}";
    }

    /// <summary>The word that goes with two others, the same in every text.</summary>
    private static string Known(string[] words, string first, string second)
    {
        var hash = 2166136261u; // FNV-1a
        foreach (var letter in first + " " + second)
            hash = (hash ^ letter) * 16777619u;
        return words[(hash >> 8) % (uint)words.Length];
    }

    private static string Remarks(Random random, Func<string, string> colour)
    {
        var remarks = new string[4];
        for (var i = 0; i < remarks.Length; i++)
        {
            var animal = Pick(random, Animals);
            remarks[i] = $"The {animal} is {colour(animal)}.";
        }
        return string.Join(' ', remarks);
    }

    private static string Pick(Random random, string[] words) => words[random.Next(words.Length)];
}
