namespace Vernier.Models;

/// <summary>A thread's right to a decoder and to what it computes with, and the token that ends the work. Disposed on the thread that took it.</summary>
internal readonly ref struct WorkLease
{
    private readonly WorkGate.Lease _decoder, _compute;
    private readonly Decoder _decoderOf;
    private readonly Compute _computeOf;
    private readonly CancellationToken _outer;

    /// <param name="cancel">null = the token of the work around this.</param>
    /// <inheritdoc cref="WorkGate.Enter"/>
    public WorkLease(Decoder decoder, Compute compute, CancellationToken? cancel = null, string? work = null, bool changes = false, bool letsChangesIn = false)
    {
        // The decoder first, always: two threads that took them in different orders would wait for each other.
        _decoder = decoder.Gate.Enter(work, changes, cancel ?? default, letsChangesIn);
        try
        {
            _compute = compute.Gate.Enter(cancel: cancel ?? default);
        }
        catch
        {
            _decoder.Dispose();
            throw;
        }
        (_decoderOf, _computeOf, _outer) = (decoder, compute, compute.Pool.Cancellation);
        if (cancel is { } token)
            decoder.Cancellation = compute.Pool.Cancellation = token;
    }

    public void Dispose()
    {
        _decoderOf.Cancellation = _computeOf.Pool.Cancellation = _outer;
        _compute.Dispose();
        _decoder.Dispose();
    }
}
