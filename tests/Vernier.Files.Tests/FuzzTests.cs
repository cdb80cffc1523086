using Vernier.Files.Gguf;
using Vernier.Files.Pickle;
using Vernier.Files.Safetensors;
using Vernier.Files.Tensors;
using Vernier.TestSupport;

namespace Vernier.Files.Tests;

/// <summary>Damaged copies of good files are read or refused, and never cost more memory than the file is large.</summary>
public class FuzzTests
{
    private const int Rounds = 400;
    private const long MaxAllocation = 16 << 20;

    [Fact]
    public void Gguf() => Damage(SharedFiles.At("goldens/formats/edge/gguf/ok_align8.gguf"), path =>
    {
        using var file = GgufFile.Open(path);
        foreach (var value in file.Metadata)
            value.ToString();
        foreach (var tensor in file.Tensors.Where(t => t.Format.CanDequantize))
            file.ReadAll(tensor);
    });

    [Fact]
    public void Gguf_model() => Damage(SharedFiles.Match("goldens/formats/gguf_models", "*.gguf").First(), path => GgufFile.Open(path).Dispose());

    [Fact]
    public void Safetensors() => Damage(SharedFiles.At("goldens/formats/edge/safetensors/ok_all_dtypes.safetensors"), path =>
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var tensor in file.Tensors.Where(t => t.Type != ElementType.C64))
            file.ReadSingles(tensor.Name);
    });

    [Fact]
    public void Pickle() => Damage(SharedFiles.At("goldens/formats/edge/pickle/control_valid_torch.bin"), path =>
    {
        using var file = TorchFile.Open(path);
        foreach (var tensor in file.Tensors)
            file.ReadSingles(tensor.Name);
    });

    private static void Damage(string source, Action<string> read)
    {
        using var folder = new TemporaryFolder();
        var good = File.ReadAllBytes(source);
        var header = Math.Min(good.Length, 1 << 14); // where lengths and offsets are
        var random = new Random(1);
        for (var round = 0; round < Rounds; round++)
        {
            var bad = good.AsSpan(0, round % 4 == 0 ? random.Next(good.Length) : good.Length).ToArray();
            for (var flip = random.Next(round % 4 == 0 ? 1 : 4); flip >= 0 && bad.Length > 0; flip--)
                bad[random.Next(Math.Min(header, bad.Length))] ^= (byte)(1 << random.Next(8));
            var path = folder["damaged"];
            File.WriteAllBytes(path, bad);
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                read(path);
            }
            catch (Exception e) when (e is InvalidDataException or NotSupportedException)
            {
                Assert.Contains(path, e.Message);
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, MaxAllocation);
        }
    }
}
