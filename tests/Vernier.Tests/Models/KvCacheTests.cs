using Vernier.Models;

namespace Vernier.Tests.Models;

public class KvCacheTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(300)]
    public void Pieces_through_the_cache_equal_one_pass(int piece)
    {
        using var compute = new Compute(2);
        using var decoder = TinyModel.Create(windows: [0, 5]);
        var ids = TinyModel.Ids(decoder.Config, 299, 3);
        var vocabulary = decoder.Config.VocabularySize;
        var whole = new float[ids.Length * vocabulary];
        decoder.Logits(compute, new TokenBatch(ids, [0, ids.Length], new int[ids.Length]), whole);
        using var cache = new KvCache(decoder.Config, ids.Length);
        var logits = new float[vocabulary];
        for (var at = 0; at < ids.Length; at += piece)
        {
            var part = ids.AsSpan(at, Math.Min(piece, ids.Length - at));
            decoder.Forward(compute, part, cache, logits);
            Close.Assert(whole.AsSpan((cache.Length - 1) * vocabulary, vocabulary), logits, 1e-4, $"logits at {cache.Length}");
        }
        Assert.Throws<InvalidOperationException>(() => decoder.Forward(compute, [1], cache, logits));
    }

    [Fact]
    public void Truncation_forgets()
    {
        using var compute = new Compute(1);
        using var decoder = TinyModel.Create();
        using var cache = new KvCache(decoder.Config, 32);
        var (first, second) = (new float[decoder.Config.VocabularySize], new float[decoder.Config.VocabularySize]);
        decoder.Forward(compute, [1, 2, 3], cache, first);
        decoder.Forward(compute, [9, 8, 7], cache, second);
        cache.Truncate(2);
        decoder.Forward(compute, [3], cache, second);
        Close.Assert(first, second, 1e-5, "logits");
    }
}
