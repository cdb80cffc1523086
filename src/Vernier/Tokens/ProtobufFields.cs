using System.Buffers.Binary;
using System.Text;

namespace Vernier.Tokens;

/// <summary>Walks over the fields of one protocol-buffer message.</summary>
internal ref struct ProtobufFields(ReadOnlySpan<byte> message, string path)
{
    private readonly ReadOnlySpan<byte> _message = message;
    private int _at;
    private int _wire;

    public string Path { get; } = path;

    public int Number { get; private set; }

    public ulong Varint { get; private set; }

    public ReadOnlySpan<byte> Bytes { get; private set; }

    public readonly bool IsVarint => _wire == 0;

    public readonly bool IsBytes => _wire == 2;

    public readonly bool IsFixed32 => _wire == 5;

    public readonly float Float() => BinaryPrimitives.ReadSingleLittleEndian(Bytes);

    public readonly string Text() => Encoding.UTF8.GetString(Bytes);

    public readonly ProtobufFields Nested() => new(Bytes, Path);

    /// <summary>Goes to the next field; false at the end of the message.</summary>
    public bool Next()
    {
        if (_at == _message.Length)
            return false;
        var start = _at;
        var tag = ReadVarint();
        _wire = (int)(tag & 7);
        Number = tag >> 3 is > 0 and < 1 << 29 ? (int)(tag >> 3) : throw Damaged(start, $"a field number of {tag >> 3}");
        switch (_wire)
        {
            case 0: Varint = ReadVarint(); break;
            case 1: Bytes = Take(8, start); break;
            case 2: Bytes = Take(ReadVarint(), start); break;
            case 5: Bytes = Take(4, start); break;
            default: throw Damaged(start, $"a wire type of {_wire}");
        }
        return true;
    }

    private ReadOnlySpan<byte> Take(ulong count, int start)
    {
        if (count > (ulong)(_message.Length - _at))
            throw Damaged(start, $"a field of {count} bytes where {_message.Length - _at} are left");
        var taken = _message.Slice(_at, (int)count);
        _at += (int)count;
        return taken;
    }

    private ulong ReadVarint()
    {
        var start = _at;
        var value = 0UL;
        for (var shift = 0; shift < 70 && _at < _message.Length; shift += 7)
        {
            var part = _message[_at++];
            value |= (ulong)(part & 0x7F) << Math.Min(shift, 63);
            if (part < 0x80)
                return value;
        }
        throw Damaged(start, "a number without an end");
    }

    private readonly InvalidDataException Damaged(int at, string found) =>
        new($"{Path}: {found} at byte {at} of a message of {_message.Length} bytes, expected a SentencePiece model");
}
