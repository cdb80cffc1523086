using System.Security.Cryptography;
using System.Text;

namespace Vernier.Fingerprint.Inputs;

/// <summary>The same numbers for a name on every machine and in every year: SplitMix64, started by the name's SHA-256.</summary>
internal sealed class Noise(string name)
{
    private ulong _state = BitConverter.ToUInt64(SHA256.HashData(Encoding.UTF8.GetBytes(name)));

    public ulong Next()
    {
        var z = _state += 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    public int Below(int limit) => (int)(Next() % (ulong)limit);

    /// <summary>Bell-shaped, with the given deviation: a sum of uniform numbers, without functions that differ between machines.</summary>
    public float Normal(float deviation)
    {
        var sum = 0.0;
        for (var i = 0; i < 12; i++)
            sum += (Next() >> 11) * (1.0 / (1UL << 53));
        return (float)((sum - 6) * deviation);
    }

    public float[] Normals(int count, float deviation, float mean = 0)
    {
        var values = new float[count];
        foreach (ref var value in values.AsSpan())
            value = mean + Normal(deviation);
        return values;
    }

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        foreach (ref var value in bytes.AsSpan())
            value = (byte)Next();
        return bytes;
    }
}
