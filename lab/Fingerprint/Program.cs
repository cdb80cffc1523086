using Vernier.Fingerprint;

try
{
    return args switch
    {
        ["compare", var before, var after] => Comparison.Print(before, after),
        ["host", var program, var list, var codes] => Host.Serve(program, list, codes),
        [var program, var output, .. var more] when File.Exists(program) => Measurement.Run(program, output, more),
        _ => Usage(),
    };
}
catch (Exception e) when (e is ArgumentException or IOException or InvalidOperationException)
{
    Console.Error.WriteLine(e.Message);
    return 1;
}

static int Usage()
{
    Console.Error.WriteLine("""
        Fingerprint VERNIER.CLI.DLL OUT.txt [--only REGEX] [--keep FOLDER]   hashes of all runs of that program
        Fingerprint compare BEFORE.txt AFTER.txt                            what differs; exit code 1 where something does
        """);
    return 2;
}
