using Vernier.Cli.Benchmark;

namespace Vernier.Cli.Tests.Benchmark;

public sealed class ModelBenchmarkTests : TemporaryFolder
{
    [Fact]
    public void It_can_be_cancelled_and_leaves_the_model_as_it_was()
    {
        using var model = LanguageModel.Load(TinyModelFile.Write(At("model.gguf")));
        var codes = model.CodesSha256();
        Assert.Throws<OperationCanceledException>(() => ModelBenchmark.Run(model, 1, stop: new CancellationToken(canceled: true)));
        Assert.Equal(codes, model.CodesSha256());
    }
}
