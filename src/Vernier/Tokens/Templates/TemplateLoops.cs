namespace Vernier.Tokens.Templates;

/// <summary>How a loop repeats: what a recursive one runs again for other items.</summary>
internal sealed record LoopParts(
    TemplateExpression Target, TemplateExpression? Filter, TemplateStatement Body, TemplateStatement? Otherwise, bool IsRecursive, TemplateScope? Home);

internal sealed class ForStatement(LoopParts parts, TemplateExpression source, int line) : TemplateStatement(line)
{
    protected override TemplateFlow Perform(TemplateRun run)
    {
        Run(run, parts with { Home = run.Scope }, source.Evaluate(run), depth: 0);
        return TemplateFlow.Next;
    }

    public static void Run(TemplateRun run, LoopParts parts, object? source, int depth)
    {
        var outer = run.Scope;
        var home = parts.Home!;
        var loop = new TemplateLoop(run, source, parts, depth);
        var hasEnded = false;
        while (loop.Next(run, out var item))
        {
            run.Charge();
            run.Scope = new TemplateScope(home);
            run.Scope.Set("loop", loop);
            TemplateTarget.Set(run, parts.Target, item);
            var flow = parts.Body.Execute(run);
            // As in Jinja, only a round that came to its end counts for "else".
            hasEnded |= flow == TemplateFlow.Next;
            if (flow == TemplateFlow.Break)
                break;
        }
        if (!hasEnded && parts.Otherwise is not null)
        {
            run.Scope = new TemplateScope(home);
            parts.Otherwise.Execute(run);
        }
        run.Scope = outer;
    }
}

/// <summary>The variable <c>loop</c>.</summary>
internal sealed class TemplateLoop
{
    private readonly LoopParts _parts;
    private readonly int _depth;
    private readonly Func<int>? _length;
    private IEnumerator<object?> _items;
    private int _index = -1;
    private int? _counted;
    private bool _hasAfter, _isAtEnd;
    private object? _before, _current, _after;
    private object? _lastChanged = TemplateBound.Absent;

    public TemplateLoop(TemplateRun run, object? source, LoopParts parts, int depth)
    {
        (_parts, _depth) = (parts, depth);
        var items = TemplateValues.Iterate(run, source);
        _length = source is TemplateIterator || parts.Filter is not null ? null : () => (int)TemplateValues.Length(run, source);
        _items = (parts.Filter is null ? items : Kept(run, items, parts)).GetEnumerator();
    }

    private static IEnumerable<object?> Kept(TemplateRun run, IEnumerable<object?> items, LoopParts parts)
    {
        foreach (var item in items)
        {
            run.Charge();
            var outer = run.Scope;
            run.Scope = new TemplateScope(parts.Home);
            TemplateTarget.Set(run, parts.Target, item);
            var isKept = TemplateValues.IsTrue(parts.Filter!.Evaluate(run));
            run.Scope = outer;
            if (isKept)
                yield return item;
        }
    }

    public bool Next(TemplateRun run, out object? item)
    {
        var isThere = Peek(run);
        item = isThere ? _after : null;
        if (!isThere)
            return false;
        (_before, _current, _hasAfter) = (_current, item, false);
        _index++;
        return true;
    }

    /// <summary>Looks one item ahead.</summary>
    private bool Peek(TemplateRun run)
    {
        if (_hasAfter || _isAtEnd)
            return _hasAfter;
        run.Charge();
        run.Enter();
        _hasAfter = _items.MoveNext();
        run.Leave();
        _after = _hasAfter ? _items.Current : null;
        _isAtEnd = !_hasAfter;
        return _hasAfter;
    }

    public int Length(TemplateRun run)
    {
        if (_counted is { } known)
            return known;
        if (_length is not null)
            return (_counted = _length()).Value;
        var rest = new List<object?>();
        while (!_isAtEnd && _items.MoveNext())
        {
            run.Charge();
            rest.Add(_items.Current);
        }
        _counted = rest.Count + _index + 1 + (_hasAfter ? 1 : 0);
        _items = rest.GetEnumerator();
        return _counted.Value;
    }

    public string Text(TemplateRun run) => $"<LoopContext {_index + 1}/{Length(run)}>";

    public object? Recurse(TemplateRun run, TemplateArguments arguments)
    {
        if (!_parts.IsRecursive)
            throw run.Error("The loop must have the 'recursive' marker to be called recursively.");
        if (arguments.Placed.Count != 1 || arguments.Named.Count > 0)
            throw run.Error("loop() takes exactly one argument");
        return run.Written(run.Capture(new Recursion(_parts, arguments.Placed[0], _depth + 1, run.Line), run.Scope));
    }

    public object? Get(TemplateRun run, string name)
    {
        switch (name)
        {
            case "index": return _index + 1L;
            case "index0": return (long)_index;
            case "revindex": return (long)Length(run) - _index;
            case "revindex0": return (long)Length(run) - _index - 1;
            case "first": return _index == 0;
            case "last": return !Peek(run);
            case "length": return (long)Length(run);
            case "depth": return _depth + 1L;
            case "depth0": return (long)_depth;
            case "previtem": return _index > 0 ? _before : new TemplateUndefined("there is no previous item");
            case "nextitem": return Peek(run) ? _after : new TemplateUndefined("there is no next item");
            case "cycle": return new TemplateFunction("cycle", Cycle);
            case "changed": return new TemplateFunction("changed", Changed);
            default: return new TemplateUndefined($"'LoopContext object' has no attribute '{name}'");
        }
    }

    private object? Cycle(TemplateRun run, TemplateArguments arguments) => arguments is { Placed.Count: > 0, Named.Count: 0 }
        ? arguments.Placed[_index % arguments.Placed.Count]
        : throw run.Error("no items for cycling given");

    private object? Changed(TemplateRun run, TemplateArguments arguments)
    {
        if (arguments.Named.Count > 0)
            throw run.Error("changed() takes no keyword arguments");
        var value = new TemplateTuple([.. arguments.Placed]);
        if (_lastChanged != TemplateBound.Absent && TemplateValues.AreEqual(run, _lastChanged, value))
            return false;
        _lastChanged = value;
        return true;
    }

    /// <summary>The loop again, for other items.</summary>
    private sealed class Recursion(LoopParts parts, object? source, int depth, int line) : TemplateStatement(line)
    {
        protected override TemplateFlow Perform(TemplateRun run)
        {
            ForStatement.Run(run, parts, source, depth);
            return TemplateFlow.Next;
        }
    }
}
