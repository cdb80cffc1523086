using static Vernier.Tokens.Patterns.PatternNode;

namespace Vernier.Tokens.Patterns;

/// <summary>What the matcher does at one point of a pattern.</summary>
internal enum PatternOperation : byte
{
    /// <summary>One character of the set, or back.</summary>
    One,

    /// <summary>A run of the set: X at least, Y at most.</summary>
    Run,
    LazyRun,
    PossessiveRun,

    /// <summary>Goes on at X; when that fails, at Y.</summary>
    Fork,
    Jump,

    /// <summary>Goes on at Y when what begins at X matches, and keeps its end.</summary>
    Atomic,
    LookAhead,
    NotAhead,

    /// <summary>What begins at X has to match the last Width characters; then on at Y.</summary>
    LookBehind,
    NotBehind,

    /// <summary>The place of kind X.</summary>
    Edge,

    /// <summary>Keeps in slot X where a turn of a loop begins.</summary>
    LoopStart,

    /// <summary>Leaves the loop of slot X for Y when its turn took nothing.</summary>
    LoopCheck,
    Accept,
}

/// <summary>One step of a compiled pattern.</summary>
internal readonly record struct PatternStep(PatternOperation Operation, int X = 0, int Y = 0, int Width = 0, CharacterSet? Set = null);

/// <summary>Turns a pattern's parts into steps.</summary>
internal sealed class PatternProgram
{
    private const int MostSteps = 20_000;

    private readonly List<PatternStep> _steps = [];

    private PatternProgram()
    {
    }

    public int Slots { get; private set; }

    /// <exception cref="NotSupportedException">The pattern is too large.</exception>
    public static (PatternStep[] Steps, int Slots) Compile(PatternNode node)
    {
        var program = new PatternProgram();
        program.Add(node);
        program.Add(new PatternStep(PatternOperation.Accept));
        return ([.. program._steps], program.Slots);
    }

    private int Next => _steps.Count;

    private int Add(PatternStep step)
    {
        if (_steps.Count >= MostSteps)
            throw new NotSupportedException($"a pattern of more than {MostSteps} steps is not done here");
        _steps.Add(step);
        return _steps.Count - 1;
    }

    private void Add(PatternNode node)
    {
        switch (node)
        {
            case One one: Add(new PatternStep(PatternOperation.One, Set: one.Set)); break;
            case Edge edge: Add(new PatternStep(PatternOperation.Edge, (int)edge.Where)); break;
            case Sequence sequence:
                foreach (var part in sequence.Parts)
                    Add(part);
                break;
            case Choice choice: AddChoice(choice.Ways); break;
            case Atomic atomic: AddInner(PatternOperation.Atomic, atomic.Part, 0); break;
            case Look { IsBehind: false } look: AddInner(look.IsNegative ? PatternOperation.NotAhead : PatternOperation.LookAhead, look.Part, 0); break;
            case Look look: AddLookBehind(look); break;
            case Repeat repeat: AddRepeat(repeat); break;
            default: throw new ArgumentException($"no steps for {node}", nameof(node));
        }
    }

    private void AddChoice(IReadOnlyList<PatternNode> ways)
    {
        var ends = new List<int>();
        for (var i = 0; i < ways.Count; i++)
        {
            if (i == ways.Count - 1)
            {
                Add(ways[i]);
                break;
            }
            var fork = Add(default(PatternStep));
            Add(ways[i]);
            ends.Add(Add(default(PatternStep)));
            _steps[fork] = new PatternStep(PatternOperation.Fork, fork + 1, Next);
        }
        foreach (var end in ends)
            _steps[end] = new PatternStep(PatternOperation.Jump, Next);
    }

    private void AddInner(PatternOperation operation, PatternNode part, int width)
    {
        var at = Add(default(PatternStep));
        Add(part);
        Add(new PatternStep(PatternOperation.Accept));
        _steps[at] = new PatternStep(operation, at + 1, Next, width);
    }

    private void AddLookBehind(Look look)
    {
        var ways = look.Part is Choice choice ? choice.Ways : [look.Part];
        if (look.IsNegative)
            foreach (var way in ways)
                AddInner(PatternOperation.NotBehind, way, way.Width()!.Value);
        else if (ways is [var only])
            AddInner(PatternOperation.LookBehind, only, only.Width()!.Value);
        else
            AddChoice([.. ways.Select(way => new Look(way, IsBehind: true, IsNegative: false))]);
    }

    private void AddRepeat(Repeat repeat)
    {
        if (repeat.Part is One one)
        {
            var operation = repeat.How switch
            {
                Greed.Greedy => PatternOperation.Run,
                Greed.Lazy => PatternOperation.LazyRun,
                _ => PatternOperation.PossessiveRun,
            };
            Add(new PatternStep(operation, repeat.Least, repeat.Most, Set: one.Set));
            return;
        }
        if (repeat.How == Greed.Possessive)
        {
            AddInner(PatternOperation.Atomic, repeat with { How = Greed.Greedy }, 0);
            return;
        }
        var start = Next;
        for (var i = 0; i < repeat.Least; i++)
        {
            Add(repeat.Part);
            if (Next == start)
                return; // however often, it is nothing
        }
        if (repeat.Most == int.MaxValue)
            AddLoop(repeat.Part, repeat.How == Greed.Lazy);
        else
            AddOptional(repeat.Part, repeat.Most - repeat.Least, repeat.How == Greed.Lazy);
    }

    private void AddLoop(PatternNode part, bool isLazy)
    {
        var fork = Add(default(PatternStep));
        var slot = part.MayBeEmpty() ? Slots++ : -1;
        if (slot >= 0)
            Add(new PatternStep(PatternOperation.LoopStart, slot));
        Add(part);
        var check = slot >= 0 ? Add(default(PatternStep)) : -1;
        Add(new PatternStep(PatternOperation.Jump, fork));
        if (check >= 0)
            _steps[check] = new PatternStep(PatternOperation.LoopCheck, slot, Next);
        _steps[fork] = isLazy ? new PatternStep(PatternOperation.Fork, Next, fork + 1) : new PatternStep(PatternOperation.Fork, fork + 1, Next);
    }

    private void AddOptional(PatternNode part, int count, bool isLazy)
    {
        var forks = new List<int>();
        for (var i = 0; i < count; i++)
        {
            forks.Add(Add(default(PatternStep)));
            Add(part);
        }
        foreach (var fork in forks)
            _steps[fork] = isLazy ? new PatternStep(PatternOperation.Fork, Next, fork + 1) : new PatternStep(PatternOperation.Fork, fork + 1, Next);
    }
}
