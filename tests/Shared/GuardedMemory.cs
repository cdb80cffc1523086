using System.Runtime.CompilerServices;
using Vernier.Kernels;

namespace Vernier.TestSupport;

/// <summary>In tests every native buffer ends before a page that may not be touched: whoever reads past an end does so here, not at a user's.</summary>
internal static class GuardedMemory
{
    [ModuleInitializer]
    internal static void TurnOn() => GuardPages.AreOn = true;

    /// <summary>Runs with buffers as users have them: aligned, on large pages, in slabs.</summary>
    public static void Without(Action run)
    {
        GuardPages.AreOn = false;
        try
        {
            run();
        }
        finally
        {
            TurnOn();
        }
    }
}
