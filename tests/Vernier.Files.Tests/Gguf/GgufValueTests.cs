using Vernier.Files.Gguf;

namespace Vernier.Files.Tests.Gguf;

public class GgufValueTests
{
    [Fact]
    public void Numbers_are_read_as_any_type_that_holds_them()
    {
        var (integers, floats) = (GgufValue.Of("i", (int[])[1, -2]), GgufValue.Of("f", (float[])[2f, 0.5f]));
        Assert.Equal([1, -2], integers.AsNumbers<int>());
        Assert.Equal([1f, -2f], integers.AsNumbers<float>());
        Assert.Equal([1L, -2L], integers.AsNumbers<long>());
        Assert.Equal([2f, 0.5f], floats.AsNumbers<float>());
        Assert.Equal([2d, 0.5d], floats.AsNumbers<double>());
        Assert.Equal([2, 0], floats.AsNumbers<int>());
        Assert.Contains("'i'", Assert.Throws<InvalidDataException>(() => integers.AsNumbers<byte>()).Message);
    }

    [Fact]
    public void Bools_are_an_array_of_bools_and_keys_have_names()
    {
        Assert.Contains("an array of bools", Assert.Throws<InvalidDataException>(() => GgufValue.Of("i", (int[])[1]).AsBools()).Message);
        Assert.Contains("an array of bools", Assert.Throws<InvalidDataException>(() => GgufValue.Of("b", true).AsBools()).Message);
        Assert.Throws<ArgumentException>(() => GgufValue.Of("", 1u));
    }
}
