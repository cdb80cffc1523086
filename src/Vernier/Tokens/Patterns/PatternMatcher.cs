using System.Runtime.CompilerServices;

namespace Vernier.Tokens.Patterns;

/// <summary>Finds a pattern in a text of characters by trying its ways in order (backtracking). Every step is charged. One thread at a time.</summary>
internal sealed class PatternMatcher(PatternStep[] steps, int slots)
{
    private readonly int[] _slots = new int[slots];
    private Way[] _ways = new Way[64];
    private int _wayCount;
    private int[] _text = [];
    private int _length;
    private int _searchStart;
    private WorkLimit _work = null!;

    private enum Kind : byte
    {
        /// <summary>Go on at a step, at a place.</summary>
        Resume,

        /// <summary>A run may give back characters, down to Low.</summary>
        Shorter,

        /// <summary>A run may take characters, up to Low.</summary>
        Longer,

        /// <summary>A slot gets back what it held.</summary>
        Slot,
    }

    /// <summary>The first match at or after <paramref name="from"/>.</summary>
    public bool Find(int[] text, int length, int from, WorkLimit work, out int start, out int end)
    {
        (_text, _length, _searchStart, _work) = (text, length, from, work);
        for (start = from; start <= length; start++)
        {
            work.Charge(1);
            _wayCount = 0;
            end = Match(0, start);
            if (end >= 0)
                return true;
        }
        end = -1;
        return false;
    }

    /// <summary>The end of the match of the steps from <paramref name="step"/> at a place, or -1.</summary>
    private int Match(int step, int at)
    {
        var floor = _wayCount;
        while (true)
        {
            _work.Charge(1);
            ref readonly var now = ref steps[step++];
            if (now.Operation == PatternOperation.Accept)
            {
                _wayCount = floor;
                return at;
            }
            if (!Take(in now, ref step, ref at) && !TryBack(floor, ref step, ref at))
                return -1;
        }
    }

    /// <summary>Takes a step at a place, and says whether it holds there.</summary>
    /// <param name="step">The step behind it; becomes the one to go on at.</param>
    /// <param name="at">Becomes the place to go on at.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)] // the loop of every match
    private bool Take(in PatternStep now, ref int step, ref int at)
    {
        switch (now.Operation)
        {
            case PatternOperation.One:
                return at < _length && now.Set!.Contains(_text[at++]);
            case PatternOperation.Run or PatternOperation.PossessiveRun or PatternOperation.LazyRun:
                return TakeRun(in now, step, ref at);
            case PatternOperation.Fork:
                Push(new Way(Kind.Resume, now.Y, at, 0));
                step = now.X;
                return true;
            case PatternOperation.Jump:
                step = now.X;
                return true;
            case PatternOperation.Edge:
                return IsAt((PatternNode.Place)now.X, at);
            case PatternOperation.LoopStart:
                Push(new Way(Kind.Slot, now.X, _slots[now.X], 0));
                _slots[now.X] = at;
                return true;
            case PatternOperation.LoopCheck:
                step = _slots[now.X] == at ? now.Y : step;
                return true;
            default:
                step = now.Y;
                return TryInner(in now, ref at);
        }
    }

    private bool TryInner(in PatternStep now, ref int at)
    {
        var isBehind = now.Operation is PatternOperation.LookBehind or PatternOperation.NotBehind;
        var from = isBehind ? at - now.Width : at;
        var end = from < 0 ? -1 : Match(now.X, from);
        switch (now.Operation)
        {
            case PatternOperation.Atomic when end >= 0:
                at = end;
                return true;
            case PatternOperation.LookAhead or PatternOperation.LookBehind: return end >= 0;
            case PatternOperation.NotAhead or PatternOperation.NotBehind: return end < 0;
            default: return false;
        }
    }

    private bool TakeRun(in PatternStep now, int next, ref int at)
    {
        var (set, least) = (now.Set!, now.X);
        var most = (int)Math.Min(_length, (long)at + now.Y);
        var goal = now.Operation == PatternOperation.LazyRun ? Math.Min(most, at + least) : most;
        var end = at;
        while (end < goal && set.Contains(_text[end]))
            end++;
        _work.Charge((end - at) / 4);
        if (end - at < least)
            return false;
        if (now.Operation == PatternOperation.Run && end > at + least)
            Push(new Way(Kind.Shorter, next, end - 1, at + least));
        else if (now.Operation == PatternOperation.LazyRun && end < most)
            Push(new Way(Kind.Longer, next, end, most, set));
        at = end;
        return true;
    }

    private bool TryBack(int floor, ref int step, ref int at)
    {
        while (_wayCount > floor)
        {
            ref var way = ref _ways[_wayCount - 1];
            switch (way.Kind)
            {
                case Kind.Slot:
                    _slots[way.Step] = way.At;
                    _wayCount--;
                    continue;
                case Kind.Longer when way.At == way.Limit || !way.Set!.Contains(_text[way.At]):
                    _wayCount--;
                    continue;
                case Kind.Longer:
                    (step, at) = (way.Step, ++way.At);
                    return true;
                case Kind.Shorter:
                    (step, at) = (way.Step, way.At--);
                    if (at == way.Limit)
                        _wayCount--;
                    return true;
                default:
                    (step, at) = (way.Step, way.At);
                    _wayCount--;
                    return true;
            }
        }
        return false;
    }

    private void Push(Way way)
    {
        if (_wayCount == _ways.Length)
            Array.Resize(ref _ways, 2 * _wayCount);
        _ways[_wayCount++] = way;
    }

    private bool IsAt(PatternNode.Place place, int at) => place switch
    {
        PatternNode.Place.LineStart => at == 0 || _text[at - 1] == '\n',
        PatternNode.Place.LineEnd => at == _length || _text[at] == '\n',
        PatternNode.Place.TextStart => at == 0,
        PatternNode.Place.TextEnd => at == _length,
        PatternNode.Place.TextEndOrLastLine => at == _length || (at == _length - 1 && _text[at] == '\n'),
        PatternNode.Place.SearchStart => at == _searchStart,
        PatternNode.Place.WordEdge => IsWordEdge(at),
        _ => !IsWordEdge(at),
    };

    private bool IsWordEdge(int at) =>
        (at > 0 && CharacterSet.Word.Contains(_text[at - 1])) != (at < _length && CharacterSet.Word.Contains(_text[at]));

    private record struct Way(Kind Kind, int Step, int At, int Limit, CharacterSet? Set = null);
}
