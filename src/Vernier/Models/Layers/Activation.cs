using Vernier.Kernels;

namespace Vernier.Models;

/// <summary>The nonlinearity of the feed-forward part, by kind.</summary>
internal static class Activation
{
    /// <summary>y = act(gate) * up, or act(up) where there is no gate.</summary>
    public static void Forward(WorkerPool pool, ActivationKind kind, ReadOnlySpan<float> gate, ReadOnlySpan<float> up, Span<float> y)
    {
        switch (kind)
        {
            case ActivationKind.SwiGlu:
                SwiGlu.Forward(pool, gate, up, y);
                break;
            case ActivationKind.GeGluTanh:
                GeGluTanh.Forward(pool, gate, up, y);
                break;
            case ActivationKind.GeluTanh:
                GeluTanh.Forward(pool, up, y);
                break;
            case ActivationKind.GeluErf:
                GeluErf.Forward(pool, up, y);
                break;
            case ActivationKind.Relu:
                Relu.Forward(pool, up, y);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such activation");
        }
    }

    /// <summary>The gradients of gate (where there is one) and up. upGrad may be dy.</summary>
    public static void Backward(WorkerPool pool, ActivationKind kind, ReadOnlySpan<float> gate, ReadOnlySpan<float> up, ReadOnlySpan<float> dy, Span<float> gateGrad, Span<float> upGrad)
    {
        switch (kind)
        {
            case ActivationKind.SwiGlu:
                SwiGlu.Backward(pool, gate, up, dy, gateGrad, upGrad);
                break;
            case ActivationKind.GeGluTanh:
                GeGluTanh.Backward(pool, gate, up, dy, gateGrad, upGrad);
                break;
            case ActivationKind.GeluTanh:
                GeluTanh.Backward(pool, up, dy, upGrad);
                break;
            case ActivationKind.GeluErf:
                GeluErf.Backward(pool, up, dy, upGrad);
                break;
            case ActivationKind.Relu:
                Relu.Backward(pool, up, dy, upGrad);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such activation");
        }
    }
}
