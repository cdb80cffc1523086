using Vernier.TestSupport;

namespace Vernier.Tests.Goldens;

/// <summary>Every theory about goldens runs over those of the checkout, and over more of them where there are more.</summary>
public class SharedFilesTests
{
    private const string Methods = "goldens/methods";

    [Fact]
    public void What_the_checkout_has_comes_first_and_by_its_own_name()
    {
        var first = SharedFiles.Match(Methods, "*.safetensors").First();
        Assert.Equal($"{Methods}/" + Path.GetFileName(first), SharedFiles.NameOf(first));
        Assert.Equal(first, SharedFiles.At(SharedFiles.NameOf(first)));
        Assert.Null(SharedFiles.WhyMissing("goldens/methods/meta.json"));
        Assert.Contains("goldens/none", SharedFiles.WhyMissing("goldens/none"));
    }

    [OutsideFact]
    public void More_goldens_beside_the_checkout_are_found_and_copies_are_not()
    {
        var outside = SharedFiles.Match(Methods, "*.safetensors").Where(path => path.StartsWith(SharedFiles.Outside!, StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(outside);
        Assert.All(outside, path => Assert.False(SharedFiles.IsCopy(path)));
        Assert.All(outside, path => Assert.Equal(path, SharedFiles.At(SharedFiles.NameOf(path))));
    }

    private sealed class OutsideFactAttribute : FactAttribute
    {
        public OutsideFactAttribute() => Skip = SharedFiles.Outside is { } outside && Directory.Exists(Path.Combine(outside, Methods))
            ? null
            : "only the small goldens of the checkout are run: set VERNIER_SHARED to the folder of more reference files";
    }
}
