using System.Globalization;

namespace Vernier.Drills;

internal sealed record DrillOptions(string Drill, int? Count, int Seed, double Slack, string? Only)
{
    public static DrillOptions Parse(string[] args)
    {
        var options = new DrillOptions("all", null, 1, 1, null);
        for (var i = 0; i < args.Length; i++)
            options = args[i] switch
            {
                "--count" => options with { Count = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--seed" => options with { Seed = int.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--slack" => options with { Slack = double.Parse(args[++i], CultureInfo.InvariantCulture) },
                "--only" => options with { Only = args[++i] },
                "all" or "kills" or "signals" or "disks" or "mutations" => options with { Drill = args[i] },
                _ => throw new ArgumentException($"'{args[i]}' is not kills, signals, disks, mutations, all, --count, --seed, --slack or --only"),
            };
        return options;
    }
}
