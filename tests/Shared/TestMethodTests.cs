using System.Reflection;

namespace Vernier.TestSupport;

/// <summary>xUnit passes over test methods that are not public without a word.</summary>
public sealed class TestMethodTests
{
    [Fact]
    public void EveryTestMethodIsPublic()
    {
        const BindingFlags all = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        var tests = typeof(TestMethodTests).Assembly.GetTypes().SelectMany(t => t.GetMethods(all)).Where(m => m.IsDefined(typeof(FactAttribute), inherit: true)).ToList();
        Assert.Contains(tests, m => m.Name == nameof(EveryTestMethodIsPublic));
        Assert.Empty(tests.Where(m => !m.IsPublic || !m.DeclaringType!.IsVisible).Select(m => $"{m.DeclaringType!.Name}.{m.Name}"));
    }
}
