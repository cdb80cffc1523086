using System.Runtime.InteropServices;
using SharpFuzz.Common;

namespace Vernier.Fuzz;

/// <summary>How often an input went from one branch to another, as instrumented assemblies count it; all zero where nothing is instrumented.</summary>
internal sealed unsafe class BranchCounts
{
    private const int Size = 1 << 16;

    private readonly byte[] _seen = new byte[Size];

    public BranchCounts() => Trace.SharedMem = (byte*)NativeMemory.AllocZeroed(Size);

    /// <summary>Places that some input has reached.</summary>
    public int Reached => _seen.Count(s => s != 0);

    public static void Clear()
    {
        new Span<byte>(Trace.SharedMem, Size).Clear();
        Trace.PrevLocation = 0;
    }

    /// <summary>Takes the counts of an input in.</summary>
    /// <returns>Whether it reached something that none before it had, or far more often.</returns>
    public bool TakeNew()
    {
        var isNew = false;
        for (var i = 0; i < Size; i++)
            if (Trace.SharedMem[i] is not 0 and var count && Class(count) is var kind && (_seen[i] & kind) == 0)
            {
                _seen[i] |= kind;
                isNew = true;
            }
        return isNew;
    }

    // 1, 2, 3, 4-7, 8-15, 16-31, 32-127, more: a bit each
    private static byte Class(byte count) => count switch
    {
        1 => 1,
        2 => 2,
        3 => 4,
        < 8 => 8,
        < 16 => 16,
        < 32 => 32,
        < 128 => 64,
        _ => 128,
    };
}
