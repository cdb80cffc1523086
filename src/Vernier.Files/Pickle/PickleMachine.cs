using System.Buffers.Binary;
using System.Text;
using Vernier.Files.Disk;
using Vernier.Files.Tensors;

namespace Vernier.Files.Pickle;

/// <summary>Reads the pickle of a PyTorch state dict without being able to run anything: a stack machine that knows the opcodes which
/// build plain data, and a short list of names that it answers itself. Any other opcode or name is refused.</summary>
internal sealed class PickleMachine
{
    private const int MaxStack = 1 << 20;
    private const string RebuildTensor = "torch._utils _rebuild_tensor_v2", RebuildParameter = "torch._utils _rebuild_parameter", OrderedDict = "collections OrderedDict";

    private static readonly Dictionary<string, ElementType> s_storages = new(StringComparer.Ordinal)
    {
        ["torch FloatStorage"] = ElementType.F32,
        ["torch HalfStorage"] = ElementType.F16,
        ["torch BFloat16Storage"] = ElementType.BF16,
        ["torch DoubleStorage"] = ElementType.F64,
        ["torch LongStorage"] = ElementType.I64,
        ["torch IntStorage"] = ElementType.I32,
        ["torch ShortStorage"] = ElementType.I16,
        ["torch CharStorage"] = ElementType.I8,
        ["torch ByteStorage"] = ElementType.U8,
        ["torch BoolStorage"] = ElementType.BOOL,
    };

    private static readonly object s_mark = new();
    private static readonly UTF8Encoding s_strict = new(false, throwOnInvalidBytes: true);
    private readonly string _path;
    private readonly List<object?> _stack = [];
    private readonly Dictionary<uint, object?> _memo = [];
    private int _position;

    private PickleMachine(string path) => _path = path;

    /// <summary>The object that a pickle describes.</summary>
    /// <exception cref="InvalidDataException">Damaged, or it names something that a weights file does not need.</exception>
    public static object? Read(string path, ReadOnlySpan<byte> pickle)
    {
        var machine = new PickleMachine(path);
        try
        {
            return machine.Run(pickle);
        }
        catch (Exception e) when (e is DecoderFallbackException or InvalidCastException or OverflowException)
        {
            throw machine.Fault("a value of the wrong kind", "a state dict", e);
        }
    }

    private object? Run(ReadOnlySpan<byte> pickle)
    {
        while (true)
        {
            var opcode = Take(pickle, 1)[0];
            if (opcode == (byte)'.')
                return Pop();
            if (!Scalar(opcode, pickle) && !Container(opcode) && !Memo(opcode, pickle) && !Reference(opcode, pickle))
                throw Fault($"opcode 0x{opcode:x2}", "one that builds plain data");
            if (_stack.Count > MaxStack)
                throw Fault($"more than {MaxStack} values on the stack", "a state dict");
        }
    }

    private bool Scalar(byte opcode, ReadOnlySpan<byte> pickle)
    {
        switch (opcode)
        {
            case 0x80: // PROTO
                if (Take(pickle, 1)[0] is < 2 or > 5)
                    throw Fault("an unknown pickle protocol", "2 to 5");
                return true;
            case 0x95: // FRAME: only announces a length
                Take(pickle, 8);
                return true;
            case (byte)'N':
                return Push(null);
            case 0x88:
                return Push(true);
            case 0x89:
                return Push(false);
            case (byte)'K':
                return Push((long)Take(pickle, 1)[0]);
            case (byte)'M':
                return Push((long)BinaryPrimitives.ReadUInt16LittleEndian(Take(pickle, 2)));
            case (byte)'J':
                return Push((long)BinaryPrimitives.ReadInt32LittleEndian(Take(pickle, 4)));
            case 0x8a: // LONG1: little-endian two's complement of up to 8 bytes
                return Push(Long(Take(pickle, Take(pickle, 1)[0])));
            case (byte)'G':
                return Push(BinaryPrimitives.ReadDoubleBigEndian(Take(pickle, 8)));
            case (byte)'X':
                return Push(s_strict.GetString(Take(pickle, BinaryPrimitives.ReadUInt32LittleEndian(Take(pickle, 4)))));
            case 0x8c:
                return Push(s_strict.GetString(Take(pickle, Take(pickle, 1)[0])));
            default:
                return false;
        }
    }

    private bool Container(byte opcode)
    {
        switch (opcode)
        {
            case (byte)'(':
                return Push(s_mark);
            case (byte)')':
                return Push(Array.Empty<object?>());
            case (byte)']':
                return Push(new List<object?>());
            case (byte)'}':
                return Push(new PickleDict());
            case (byte)'t':
                return Push(PopToMark());
            case 0x85 or 0x86 or 0x87: // TUPLE1..3
                return Push(PopLast(opcode - 0x84));
            case (byte)'a':
                var item = Pop();
                ((List<object?>)Top()!).Add(item);
                return true;
            case (byte)'e':
                var items = PopToMark();
                ((List<object?>)Top()!).AddRange(items);
                return true;
            case (byte)'s':
                return SetItems(PopLast(2));
            case (byte)'u':
                return SetItems(PopToMark());
            default:
                return false;
        }
    }

    private bool Memo(byte opcode, ReadOnlySpan<byte> pickle)
    {
        switch (opcode)
        {
            case (byte)'q':
                _memo[Take(pickle, 1)[0]] = Top();
                return true;
            case (byte)'r':
                _memo[BinaryPrimitives.ReadUInt32LittleEndian(Take(pickle, 4))] = Top();
                return true;
            case 0x94: // MEMOIZE
                _memo[(uint)_memo.Count] = Top();
                return true;
            case (byte)'h':
                return Recall(Take(pickle, 1)[0]);
            case (byte)'j':
                return Recall(BinaryPrimitives.ReadUInt32LittleEndian(Take(pickle, 4)));
            default:
                return false;
        }
    }

    private bool Reference(byte opcode, ReadOnlySpan<byte> pickle)
    {
        switch (opcode)
        {
            case (byte)'c':
                var module = Line(pickle);
                return PushGlobal($"{module} {Line(pickle)}");
            case 0x93: // STACK_GLOBAL
                var parts = PopLast(2);
                return PushGlobal($"{(string)parts[0]!} {(string)parts[1]!}");
            case (byte)'Q':
                return Push(Storage((object?[])Pop()!));
            case (byte)'R':
                var arguments = (object?[])Pop()!;
                return Push(Answer((PickleGlobal)Pop()!, arguments));
            case (byte)'b': // BUILD: attributes such as _metadata, which weights do not need
                Pop();
                return Top() is PickleDict ? true : throw Fault("attributes of something else", "those of a dict");
            default:
                return false;
        }
    }

    private bool PushGlobal(string name)
    {
        if (name is not (RebuildTensor or RebuildParameter or OrderedDict) && !s_storages.ContainsKey(name))
            throw Fault($"the name '{name}'", "only tensors, storages and dicts: nothing in a weights file is run");
        return Push(new PickleGlobal(name));
    }

    private object? Answer(PickleGlobal called, object?[] arguments) => (called.Name, arguments) switch
    {
        (OrderedDict, []) => new PickleDict(),
        (RebuildParameter, [PickleTensor tensor, ..]) => tensor,
        (RebuildTensor, [PickleStorage storage, long offset, object?[] shape, object?[] strides, ..]) => Tensor(storage, offset, shape, strides),
        _ => throw Fault($"a call of '{called.Name}' with {arguments.Length} arguments", "a tensor or a dict"),
    };

    private PickleTensor Tensor(PickleStorage storage, long offset, object?[] shape, object?[] strides)
    {
        var (sizes, steps) = (shape.Select(s => (long)s!).ToArray(), strides.Select(s => (long)s!).ToArray());
        if (offset < 0 || sizes.Length != steps.Length || sizes.Any(s => s < 0) || steps.Any(s => s < 0))
            throw Fault($"a tensor of shape [{string.Join(", ", sizes)}], strides [{string.Join(", ", steps)}] at {offset}", "sizes and strides that are not negative");
        var elements = sizes.Contains(0) ? 0 : sizes.Aggregate(1L, (product, size) => checked(product * size));
        var last = offset;
        for (var d = 0; d < sizes.Length && elements > 0; d++)
            last = checked(last + (sizes[d] - 1) * steps[d]);
        if (elements > storage.Elements || elements > 0 && last >= storage.Elements)
            throw Fault($"a tensor of shape [{string.Join(", ", sizes)}] that reaches element {last}", $"one within the {storage.Elements} elements of its storage");
        return new PickleTensor(storage, offset, sizes, steps);
    }

    private PickleStorage Storage(object?[] id) => id is ["storage", PickleGlobal type, string key, _, long elements, ..] && elements >= 0 && s_storages.TryGetValue(type.Name, out var element)
        ? new PickleStorage(element, key, elements)
        : throw Fault("an unknown persistent id", "a storage");

    private bool SetItems(object?[] items)
    {
        if (items.Length % 2 != 0 || Top() is not PickleDict dict)
            throw Fault("items without a dict", "keys and values of a dict");
        for (var i = 0; i < items.Length; i += 2)
            dict.Items.Add((items[i], items[i + 1]));
        return true;
    }

    private bool Recall(uint index) => _memo.TryGetValue(index, out var value) ? Push(value) : throw Fault($"memo {index}", "one that was stored before");

    private bool Push(object? value)
    {
        _stack.Add(value);
        return true;
    }

    private object? Top() => _stack.Count > 0 && !ReferenceEquals(_stack[^1], s_mark) ? _stack[^1] : throw Fault("an empty stack", "a value");

    private object? Pop()
    {
        var top = Top();
        _stack.RemoveAt(_stack.Count - 1);
        return top;
    }

    private object?[] PopLast(int count)
    {
        var all = new object?[count];
        for (var i = count - 1; i >= 0; i--)
            all[i] = Pop();
        return all;
    }

    private object?[] PopToMark()
    {
        var mark = _stack.FindLastIndex(v => ReferenceEquals(v, s_mark));
        if (mark < 0)
            throw Fault("no mark", "a mark before the items");
        object?[] all = [.. _stack[(mark + 1)..]];
        _stack.RemoveRange(mark, _stack.Count - mark);
        return all;
    }

    private long Long(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > 8)
            throw Fault($"an integer of {bytes.Length} bytes", "at most 8");
        Span<byte> wide = stackalloc byte[8];
        wide.Fill(bytes.Length > 0 && bytes[^1] >= 0x80 ? (byte)0xFF : (byte)0);
        bytes.CopyTo(wide);
        return BinaryPrimitives.ReadInt64LittleEndian(wide);
    }

    private string Line(ReadOnlySpan<byte> pickle)
    {
        var length = pickle[_position..].IndexOf((byte)'\n');
        if (length < 0)
            throw Fault("a name without end", "a line");
        return s_strict.GetString(Take(pickle, (uint)length + 1)[..^1]);
    }

    private ReadOnlySpan<byte> Take(ReadOnlySpan<byte> pickle, uint count)
    {
        if (count > (uint)(pickle.Length - _position))
            throw Fault($"{pickle.Length - _position} bytes left", $"{count} bytes");
        var taken = pickle.Slice(_position, (int)count);
        _position += (int)count;
        return taken;
    }

    private InvalidDataException Fault(string found, string expected) => Damaged.File(_path, $"data.pkl before byte {_position}", found, expected);

    private InvalidDataException Fault(string found, string expected, Exception inner) => Damaged.File(_path, $"data.pkl before byte {_position}", found, expected, inner);
}
