using Vernier.Files.Pickle;
using Vernier.TestSupport;

namespace Vernier.Files.Tests.Pickle;

public class TorchFileTests
{
    public static TheoryData<string> EdgeFiles => EdgeCase.Names("pickle");

    [Theory]
    [MemberData(nameof(EdgeFiles))]
    public void Edge_files_are_read_or_refused(string name)
    {
        using var file = EdgeCase.Find(name).Open(TorchFile.Open);
    }

    [Fact]
    public void A_state_dict_is_read()
    {
        using var file = TorchFile.Open(SharedFiles.At("goldens/formats/edge/pickle/control_valid_torch.bin"));
        Assert.Equal([2, 3], Assert.Single(file.Tensors).Shape);
        Assert.Equal([0, 1, 2, 3, 4, 5], file.ReadSingles("w"));
    }
}
