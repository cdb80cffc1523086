namespace Vernier.Cli.Demo;

/// <summary>One task of the demonstration.</summary>
/// <param name="Name">backwards or facts.</param>
/// <param name="Folder">The tuning run's folder: adapter, log, loss curve, card.</param>
/// <param name="Bytes">Size of the adapter file.</param>
/// <param name="TrainedParameters">Numbers that were trained.</param>
/// <param name="SwitchMicroseconds">Time to put this task's scales into the model, in place of others.</param>
internal sealed record DemoTask(string Name, string Folder, long Bytes, long TrainedParameters, double SwitchMicroseconds);
