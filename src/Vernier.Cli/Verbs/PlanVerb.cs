using System.CommandLine;
using System.Globalization;
using Vernier.Cli.Arguments;
using Vernier.Models;
using Vernier.Options;
using Vernier.Tuning;

namespace Vernier.Cli.Verbs;

/// <summary><c>plan MODEL</c> or <c>plan --shape NAME</c> with tune's options: what a run would take, before it starts.</summary>
internal sealed class PlanVerb
{
    private const int UsualBits = 4;

    private readonly Argument<string?> _model = new("MODEL") { Description = "A .gguf file or a model folder; only its headers are read", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _shape = new Option<string?>("--shape") { Description = $"A published shape instead of a model: {string.Join(", ", ModelShapes.Names)}", HelpName = "NAME" }.Marked(OutputKind.Text);
    private readonly Option<bool> _noMeasure = new("--no-measure") { Description = "Leave out the times, which take a measurement of about a second" };
    private readonly CommonOptions _common;
    private readonly OptionBinding<TuneOptions> _options;

    private PlanVerb(Command command)
    {
        command.Add(_model);
        command.Add(_shape);
        command.Add(_noMeasure);
        _common = CommonOptions.AddTo(command);
        _options = new OptionBinding<TuneOptions>(command, except: "seed");
    }

    public static Command Create()
    {
        var command = new Command("plan", "Show parameters, memory and time of a tuning run before it starts, for all methods side by side");
        return command.WithAction(new PlanVerb(command).Run);
    }

    private int Run(ParseResult parsed, CancellationToken stop)
    {
        var options = UsageException.Unless(_options.Apply(parsed, new TuneOptions()).Checked);
        var (path, shape) = (parsed.GetValue(_model), parsed.GetValue(_shape));
        var model = (path, shape) switch
        {
            (not null, null) => ModelOutline.Read(path),
            (null, not null) => ModelOutline.Of(Shape(shape)),
            _ => throw new UsageException("give MODEL or --shape NAME, one of the two"),
        };
        WriteBack.Require(path ?? shape!, TuningMethods.Of(options), model.Linears, model.Tables, options);
        var speed = parsed.GetValue(_noMeasure) ? null as double? : TrainingSpeed.Gigaflops(model, WithBits(model, options), parsed.GetValue(_common.Threads), stop);
        var plan = Plan(model, options, speed);
        var json = parsed.GetValue(_common.Json);
        if (json != "-")
            Print(path ?? shape!, model, options, plan, speed);
        JsonResult.Write(json, plan);
        return 0;
    }

    private static ModelConfig Shape(string name) => ModelShapes.Names.Contains(name)
        ? ModelShapes.Find(name)
        : throw new UsageException($"--shape is '{name}', expected {string.Join(", ", ModelShapes.Names)}{Suggestion.Hint(name, ModelShapes.Names)}");

    private static void Print(string name, ModelOutline model, TuneOptions options, TuningPlan chosen, double? speed)
    {
        var c = CultureInfo.InvariantCulture;
        var to = Console.Out;
        var bits = WithBits(model, options).Bits;
        to.WriteLine(string.Create(c, $"{name}: {model.Linears.Count} linears of {model.Linears.Sum(l => l.Weights) / 1e6:F1} M weights, {TuningPlan.OtherParameters(model.Config) / 1e6:F1} M other parameters{(chosen.ActiveParameters < chosen.Parameters ? string.Create(c, $"; a token is computed with {chosen.ActiveParameters / 1e6:F1} M of {chosen.Parameters / 1e6:F1} M") : "")}"));
        to.WriteLine(string.Create(c, $"{(bits is { } b ? $"quantized to {b} bits, {(options.Group == 0 ? "per channel" : $"groups of {options.Group}")}" : "on its own codes")}; {options.Batch} x {options.Context} tokens a micro-batch"));
        to.WriteLine(string.Create(c, $"  {"method",-10} {"trained",12} {"model GB",9} {"optimizer GB",13} {"activations GB",15} {"resident GB",12} {"TFLOP a step",13}{(speed is null ? "" : $" {"s a step",9}")}"));
        foreach (var method in TuningMethods.Names)
        {
            var plan = method == chosen.Method ? chosen : Plan(model, ForMethod(options, method), speed);
            to.WriteLine(string.Create(c,
                $"{(plan.Method == chosen.Method ? '*' : ' ')} {plan.Method,-10} {plan.TrainableParameters / 1e6,10:F3} M {plan.ModelBytes / 1e9,9:F2} {plan.OptimizerBytes / 1e9,13:F3} {plan.ActivationBytes / 1e9,15:F3} {plan.ResidentBytes / 1e9,12:F2} {plan.StepTeraflop,13:F2}{(plan.StepSeconds is { } s ? string.Create(c, $" {s,9:G3}") : "")}"));
        }
        if (speed is { } gigaflops)
            to.WriteLine(string.Create(c, $"times by {gigaflops:F0} GFLOP/s, measured on this machine just now{(options.Steps is { } steps ? $"; {steps} steps of {chosen.Method} take about {Duration(chosen.Seconds!.Value)}" : "")}"));
    }

    private static TuningPlan Plan(ModelOutline model, TuneOptions options, double? speed)
    {
        var plan = TuningPlan.For(model, WithBits(model, options));
        return speed is { } gigaflops ? plan.At(gigaflops, options.Steps) : plan;
    }

    /// <summary>The same run by another method: what only the chosen one knows is left out.</summary>
    private static TuneOptions ForMethod(TuneOptions options, string method) =>
        options with { Method = method, Init = null, TuneHead = options.TuneHead && TuningMethods.Of(new TuneOptions { Method = method }).TakesTables, Scheme = TuningMethods.OwnerOf(options.Scheme) is null ? options.Scheme : new TuneOptions().Scheme };

    private static string Duration(double seconds) => seconds < 120
        ? string.Create(CultureInfo.InvariantCulture, $"{seconds:G3} s")
        : TimeSpan.FromSeconds(Math.Min(seconds, 1e9)) is var time && time.Days > 0
            ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays:F1} days")
            : time.ToString(@"hh\:mm\:ss", CultureInfo.InvariantCulture);

    /// <summary>Methods that need codes get the usual width where neither the model nor the options say one.</summary>
    private static TuneOptions WithBits(ModelOutline model, TuneOptions options) =>
        options.Bits is null && TuningMethods.Of(options).NeedsCodes && model.Linears.All(l => l.Bits is null) ? options with { Bits = UsualBits } : options;
}
