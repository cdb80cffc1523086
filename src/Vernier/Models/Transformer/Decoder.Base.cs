using Vernier.Kernels;

namespace Vernier.Models;

/// <content>The base: what the decoder computed before anything was tuned or applied, and the way back to it.</content>
public sealed partial class Decoder
{
    private Linear[] _base = [];
    private List<(NamedMatrix Where, WeightMatrix Matrix)>? _baseOuter; // of full fine-tuning of all parameters
    private List<(Parameter Where, float[] Values)>? _baseVectors;
    private bool _outerChanged;
    private int _switches;

    /// <summary>One caller at a time.</summary>
    internal WorkGate Gate { get; } = new("the model");

    /// <summary>Ends the work under way, between two linears.</summary>
    internal CancellationToken Cancellation { get; set; }

    /// <summary>Changes whenever what the decoder computes may have changed: a cache that was filled before is of no use then.</summary>
    internal int Version { get; private set; }

    /// <summary>The base is kept in memory: nobody else could give it back.</summary>
    internal bool KeepsBase { get; private set; }

    /// <summary>Nothing was put into the decoder since <see cref="MakeBase"/>.</summary>
    internal bool IsBase => _base.Length > 0 && !_outerChanged && _linears.AsSpan().SequenceEqual(_base);

    /// <summary>Makes what the decoder computes now its base.</summary>
    /// <param name="keeps">False where the base can be read again from where it came: then nothing of it is held in memory once it is replaced.</param>
    /// <exception cref="InvalidOperationException">A task switch is in use.</exception>
    internal void MakeBase(bool keeps)
    {
        RequireNoSwitch();
        var old = _base.Select(l => l.Weight).Concat(_baseOuter?.Select(m => m.Matrix) ?? []).ToHashSet();
        foreach (var weight in old)
            weight.IsKept = false;
        old.ExceptWith(_linears.Select(l => l.Weight).Concat(OuterMatrices().Select(m => m.Matrix)));
        if (KeepsBase)
            foreach (var weight in old)
                weight.Dispose();
        (_base, _baseOuter, _baseVectors) = ([.. _linears], null, null);
        (KeepsBase, _outerChanged) = (keeps, false);
        foreach (var linear in _base)
            linear.Weight.IsKept = keeps;
    }

    /// <summary>Brings the base back, to the bit.</summary>
    /// <param name="source">Where it is read again; null = it was kept.</param>
    internal void RestoreBase(IWeightSource? source)
    {
        var at = 0;
        ReplaceLinears(linear =>
        {
            var start = _base[at];
            var result = linear == start ? linear : source is null ? Kept(linear, start) : Read(linear, source);
            _base[at++] = result;
            return result;
        });
        if (_outerChanged)
            RestoreOuter(source);
        DisposeActivations();
    }

    /// <summary>A task switch holds the scales of the base: the linears stay while there is one.</summary>
    internal void CountSwitch(int change) => _switches += change;

    /// <exception cref="InvalidOperationException">A task switch is in use.</exception>
    internal void RequireNoSwitch()
    {
        if (_switches > 0)
            throw new InvalidOperationException("the model's scales belong to a task switch: dispose it before the model is tuned, quantized, reset or given an adapter");
    }

    internal void Changed() => Version++;

    private static Linear Kept(Linear linear, Linear start)
    {
        Free(linear); // not what is kept beneath it
        return start;
    }

    private static FrozenLinear Read(Linear linear, IWeightSource source)
    {
        var weight = source.Matrix(linear.Name + ".weight", linear.OutFeatures, linear.InFeatures);
        Free(linear);
        return new FrozenLinear(linear.Name, weight, linear.Bias);
    }

    private static void Free(Linear linear)
    {
        foreach (var parameter in linear.Parameters.Where(p => p != linear.Bias))
            parameter.Dispose();
        linear.Weight.Dispose();
    }

    private void RestoreOuter(IWeightSource? source)
    {
        TrainAll(false);
        if (source is null)
        {
            foreach (var (where, matrix) in _baseOuter!)
                where.Restore(matrix);
            foreach (var (where, values) in _baseVectors!)
                values.CopyTo(where.Value.Span);
        }
        else
        {
            foreach (var matrix in OuterMatrices())
                matrix.Restore(source.Matrix(matrix.Name + ".weight", matrix.Matrix.Rows, matrix.Matrix.Columns));
            foreach (var vector in Vectors())
                source.Vector(vector.Name, vector.Value.Span);
        }
        _outerChanged = false;
    }

    /// <summary>Before everything outside the blocks' weights is trained in place.</summary>
    private void KeepOuter()
    {
        if (_base.Length == 0 || _outerChanged)
            return;
        _outerChanged = true;
        if (!KeepsBase)
            return;
        _baseOuter = [.. OuterMatrices().Select(m => (m, m.Matrix))];
        foreach (var (_, matrix) in _baseOuter)
            matrix.IsKept = true;
        _baseVectors = [.. Vectors().Select(v => (v, v.Value.Span.ToArray()))];
    }

    private void DisposeBase()
    {
        if (!KeepsBase)
            return; // it is what is there, or was let go
        foreach (var weight in _base.Select(l => l.Weight).Concat(_baseOuter?.Select(m => m.Matrix) ?? []))
        {
            weight.IsKept = false;
            weight.Dispose();
        }
    }
}
