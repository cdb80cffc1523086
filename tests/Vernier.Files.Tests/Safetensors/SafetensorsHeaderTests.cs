using System.Buffers.Binary;
using System.Text;
using Vernier.Files.Safetensors;

namespace Vernier.Files.Tests.Safetensors;

/// <summary>What a header says of a tensor must be whole and lie in the file, each fault by itself.</summary>
public sealed class SafetensorsHeaderTests : TemporaryFolderTests
{
    [Theory]
    [InlineData("""{"t":{"shape":[2],"data_offsets":[0,8]}}""", "a field missing")]
    [InlineData("""{"t":{"dtype":"F32","data_offsets":[0,8]}}""", "a field missing")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2]}}""", "a field missing")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[8]}}""", "a field missing")]
    [InlineData("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}""", "data_offsets [8, 0]")]
    [InlineData("""{"t":{"dtype":"F32","shape":[0],"data_offsets":[8,4]}}""", "data_offsets [8, 4]")]
    [InlineData("""{"t":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}}""", "data_offsets [0, 12]")]
    [InlineData("""{"t":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}""", "8 bytes")]
    [InlineData("""{"t":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", "the field 'dtype'")]
    public void A_fault_is_named(string header, string says)
    {
        var error = Assert.Throws<InvalidDataException>(() => SafetensorsFile.Open(Write(header)).Dispose());
        Assert.StartsWith(Temporary["t.safetensors"] + ":", error.Message, StringComparison.Ordinal);
        Assert.Contains("tensor 't'", error.Message, StringComparison.Ordinal);
        Assert.Contains(says, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_whole_header_is_read()
    {
        using var file = SafetensorsFile.Open(Write("""{"t":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"""));
        Assert.Equal([0, 0], file.ReadSingles("t"));
    }

    private string Write(string header)
    {
        var bytes = new byte[8 + header.Length + 8];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, header.Length);
        Encoding.UTF8.GetBytes(header, bytes.AsSpan(8));
        File.WriteAllBytes(Temporary["t.safetensors"], bytes);
        return Temporary["t.safetensors"];
    }
}
