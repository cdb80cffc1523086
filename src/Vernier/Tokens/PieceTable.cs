using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vernier.Tokens;

/// <summary>
/// From a piece to its id: an open-addressed table. A vocabulary of a quarter of a million pieces is filled and then asked
/// a million times while it is loaded, before the runtime would have made a general dictionary fast.
/// </summary>
internal sealed class PieceTable
{
    /// <summary>Another one in every process, so that no file can be made whose pieces all meet in one place.</summary>
    private static readonly ulong Seed = (ulong)Random.Shared.NextInt64() | 1;

    private readonly string?[] _pieces;
    private readonly Slot[] _slots;

    /// <summary>Of a piece that stands at several ids, the last counts.</summary>
    public PieceTable(string?[] pieces)
    {
        _pieces = pieces;
        _slots = new Slot[Math.Max(16, (int)BitOperations.RoundUpToPowerOf2(2 * (uint)pieces.Length))];
        Fill();
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public bool TryFind(ReadOnlySpan<char> piece, out int id)
    {
        var hash = Hash(piece);
        for (var at = (int)hash & (_slots.Length - 1); _slots[at].IdPlusOne > 0; at = (at + 1) & (_slots.Length - 1))
            if (_slots[at].Hash == hash && piece.SequenceEqual(_pieces[_slots[at].IdPlusOne - 1]))
            {
                id = _slots[at].IdPlusOne - 1;
                return true;
            }
        id = -1;
        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Fill()
    {
        for (var id = 0; id < _pieces.Length; id++)
        {
            if (_pieces[id] is not { } piece)
                continue;
            var hash = Hash(piece);
            var at = (int)hash & (_slots.Length - 1);
            while (_slots[at].IdPlusOne > 0 && !(_slots[at].Hash == hash && piece == _pieces[_slots[at].IdPlusOne - 1]))
                at = (at + 1) & (_slots.Length - 1);
            _slots[at] = new Slot { Hash = hash, IdPlusOne = id + 1 };
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static uint Hash(ReadOnlySpan<char> piece)
    {
        var bytes = MemoryMarshal.AsBytes(piece);
        var hash = Seed ^ (uint)bytes.Length;
        for (; bytes.Length >= 8; bytes = bytes[8..])
            hash = Mix(hash ^ MemoryMarshal.Read<ulong>(bytes));
        ulong rest = 0;
        for (var i = 0; i < bytes.Length; i++)
            rest |= (ulong)bytes[i] << (8 * i);
        return (uint)(Mix(hash ^ rest) >> 32);
    }

    private static ulong Mix(ulong value)
    {
        var high = Math.BigMul(value, Seed ^ 0x9E3779B97F4A7C15, out var low);
        return high ^ low;
    }

    private struct Slot
    {
        public uint Hash;

        /// <summary>The id and one; 0 = free.</summary>
        public int IdPlusOne;
    }
}
