using System.Globalization;
using SharpFuzz;
using Vernier.Fuzz;

switch (args)
{
    case ["instrument", .. var assemblies]:
        foreach (var assembly in assemblies)
            Fuzzer.Instrument(assembly, _ => true, Options.Value);
        return 0;
    case ["list"]:
        foreach (var target in FuzzTarget.All)
            Console.WriteLine(target.Name);
        return 0;
    case ["repeat", var name, .. var files]:
        foreach (var file in files)
        {
            // readers tell files apart by their names
            var target = FuzzTarget.Find(name);
            var folder = Directory.CreateTempSubdirectory("vernier-fuzz-repeat-").FullName;
            File.Copy(file, Path.Combine(folder, target.FileName));
            target.Read(Path.Combine(folder, target.FileName));
            Directory.Delete(folder, recursive: true);
            Console.WriteLine($"{file}: read");
        }
        return 0;
    case ["run", var name, var seconds, var corpus, .. var rest]:
        return new FuzzSession(FuzzTarget.Find(name), corpus, save: rest.Contains("--save")).Run(TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)));
    case ["inputs", var name, var count, var corpus]:
        return new FuzzSession(FuzzTarget.Find(name), corpus, save: false).Run(TimeSpan.MaxValue, long.Parse(count, CultureInfo.InvariantCulture));
    case ["minimize", var corpus]:
        foreach (var target in FuzzTarget.All)
            new FuzzSession(target, corpus, save: false).Minimize();
        return 0;
    default:
        Console.Error.WriteLine("""
            instrument ASSEMBLY...                 write branch counters into assemblies, in place
            list                                   names of the targets
            run TARGET SECONDS CORPUS [--save]     feed TARGET mutated inputs; --save adds those that reached new branches to CORPUS
            inputs TARGET COUNT CORPUS             feed TARGET so many mutated inputs, the same ones every time
            minimize CORPUS                        delete inputs that reach nothing which smaller ones do not
            repeat TARGET FILE...                  read files once, with the full exception
            """);
        return 2;
}
