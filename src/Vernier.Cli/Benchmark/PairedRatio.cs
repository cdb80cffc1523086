namespace Vernier.Cli.Benchmark;

/// <summary>How two ways to do one thing compare, measured in short turns: A B B A, again and again, so that what else the machine does,
/// and whatever drifts, meets both.</summary>
/// <param name="Median">Of the rounds' ratios: the speed of the second over that of the first.</param>
/// <param name="Spread">The middle half of the ratios lies within so much: upper less lower quartile.</param>
/// <param name="FirstSeconds">The first's shortest turn.</param>
internal readonly record struct PairedRatio(double Median, double Spread, double FirstSeconds)
{
    /// <summary>Takes the turns.</summary>
    /// <param name="rounds">Of four turns each.</param>
    /// <param name="warmUp">Rounds before them that are not counted: code is compiled, memory touched.</param>
    /// <param name="first">A turn; returns the seconds it took.</param>
    public static PairedRatio Measure(int rounds, int warmUp, Func<double> first, Func<double> second, CancellationToken stop)
    {
        var ratios = new double[rounds];
        var least = double.MaxValue;
        for (var i = -warmUp; i < rounds; i++)
        {
            stop.ThrowIfCancellationRequested();
            var a = first();
            var b = second() + second();
            var other = first();
            least = Math.Min(least, Math.Min(a, other));
            if (i >= 0)
                ratios[i] = (a + other) / b;
        }
        Array.Sort(ratios);
        return new(Quantile(ratios, 0.5), Quantile(ratios, 0.75) - Quantile(ratios, 0.25), least);
    }

    // Between neighbours linearly.
    private static double Quantile(double[] sorted, double share)
    {
        var at = share * (sorted.Length - 1);
        var low = (int)at;
        return double.Lerp(sorted[low], sorted[Math.Min(low + 1, sorted.Length - 1)], at - low);
    }
}
