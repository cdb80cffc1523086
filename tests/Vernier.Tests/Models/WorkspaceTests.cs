using Vernier.Models;

namespace Vernier.Tests.Models;

public class WorkspaceTests
{
    [Fact]
    public void ASlotKeepsItsMemoryAndSharesItWithNoOther()
    {
        using var workspace = new Workspace();
        var (first, second) = (new WorkspaceSlot(), new WorkspaceSlot());
        var memory = workspace.Of(first, 100);
        Assert.NotSame(memory, workspace.Of(second, 100));
        Assert.Same(memory, workspace.Of(first, 60));
        Assert.Same(memory, workspace.Of(first, 100));
    }

    [Fact]
    public void ASpanOutlivesTheGrowthOfItsSlotButNotTheBlock()
    {
        using var workspace = new Workspace();
        var slot = new WorkspaceSlot();
        var small = workspace.Of(slot, 100);
        var span = small.Span;
        span.Fill(7);
        var large = workspace.Of(slot, 2000);
        large.Span.Fill(1);
        Assert.False(span.ContainsAnyExcept(7f));
        workspace.FreeOutgrown();
        Assert.Throws<ObjectDisposedException>(() => small.Span.Length);
        Assert.Same(large, workspace.Of(slot, 2000));
        workspace.Dispose();
        Assert.Throws<ObjectDisposedException>(() => large.Span.Length);
    }
}
