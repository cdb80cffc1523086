using System.Diagnostics;
using Vernier.Calibration;
using Vernier.Files.Gguf;
using Vernier.Files.Gguf.Blocks;
using Vernier.Kernels;
using Vernier.Models;
using Vernier.Quantization.Blocks;

namespace Vernier.Export;

/// <summary>Writes a model as a GGUF file in llama.cpp's block formats, by one of its mixtures, tensor by tensor: nothing but a few rows is held in memory
/// beside what the source holds.</summary>
internal static class GgufQuantizer
{
    private const int ValuesAtOnce = 1 << 20;
    private const uint QuantizationVersion = 2;

    /// <summary>Quantizes a GGUF file of any architecture; metadata and the order of tensors stay.</summary>
    /// <exception cref="InvalidDataException">The source is damaged, a weight is not finite, or the importance matrix is of another model.</exception>
    /// <exception cref="NotSupportedException">A tensor of the source cannot be read, or one needs importances that are missing.</exception>
    /// <exception cref="ArgumentException">There is no mixture of that name.</exception>
    /// <exception cref="IOException">The disk is full or fails; an older file stays.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; an older file stays.</exception>
    public static QuantizeResult Write(GgufFile source, string path, BlockQuantizeOptions options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        using var pool = new WorkerPool(options.Threads) { Cancellation = cancel };
        var result = Write(BlockSource.Of(source), path, options, pool, cancel);
        source.RequireUnchanged();
        return result;
    }

    /// <summary>Quantizes a model that was loaded from a folder.</summary>
    /// <inheritdoc cref="Write(GgufFile, string, BlockQuantizeOptions, CancellationToken)"/>
    public static QuantizeResult Write(LoadedModel source, string path, BlockQuantizeOptions options, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.Source.Gguf is { } file)
            return Write(file, path, options, cancel);
        using var work = new WorkLease(source.Decoder, source.Compute, cancel);
        source.Source.RequireUnchanged();
        return Write(BlockSource.Of(source), path, options, source.Compute.Pool, cancel);
    }

    private static QuantizeResult Write(BlockSource source, string path, BlockQuantizeOptions options, WorkerPool pool, CancellationToken cancel)
    {
        var mixture = BlockMixture.Find(options.To) ?? throw new ArgumentException($"to is '{options.To}', expected {OptionRules.AnyOf(BlockMixture.Names)}", nameof(options));
        var started = Stopwatch.GetTimestamp();
        var jobs = Plan(source, mixture, options.Importance);
        using var writer = Writer(path, Metadata(source.Metadata, mixture, options.Importance), [.. jobs.Select(j => j.Plan)], options.SplitBytes, cancel);
        var layers = new List<QuantizedLayer>();
        var done = 0;
        foreach (var job in jobs)
        {
            options.Progress?.Invoke(done++, jobs.Count);
            cancel.ThrowIfCancellationRequested();
            if (job.Format is null)
                job.Tensor.AsItIs.Write(writer);
            else
                layers.Add(Quantize(job, writer, pool, cancel));
        }
        options.Progress?.Invoke(done, jobs.Count);
        writer.Commit();
        var main = mixture.Format.Codes!;
        return new QuantizeResult(writer.Paths[0], "gguf", writer.Paths.Sum(p => new FileInfo(p).Length), mixture.Name, main.Bits, main.GroupSize, null, jobs.Any(j => j.Format is not null && j.Tensor.Plan.Format.Codes is not null), Stopwatch.GetElapsedTime(started).TotalSeconds, layers)
        {
            Importance = options.Importance?.Path,
            Notes = [.. source.Notes, .. Missing(jobs, options.Importance)],
        };
    }

    private static GgufWriter Writer(string path, GgufMetadata metadata, IReadOnlyList<GgufTensorPlan> tensors, long? splitBytes, CancellationToken cancel) =>
        splitBytes is { } most ? GgufWriter.CreateSplit(path, metadata, tensors, most, cancel) : GgufWriter.Create(path, metadata, tensors, cancel);

    /// <summary>A tensor with the format that it gets; null = it stays as it is.</summary>
    private sealed record Job(QuantizableTensor Tensor, BlockFormat? Format, float[] Weights)
    {
        public GgufTensorPlan Plan => Format is null ? Tensor.AsItIs.Plan : Tensor.Plan with { Format = Format };
    }

    private static List<Job> Plan(BlockSource source, BlockMixture mixture, ImportanceMatrix? importance)
    {
        var model = new MixtureModel(source.Metadata, [.. source.Tensors.Select(t => t.Plan.Name)], importance is not null);
        var jobs = new List<Job>();
        foreach (var tensor in source.Tensors)
        {
            var format = BlockMixture.Quantizes(tensor.Plan.Name, tensor.Plan.Dimensions) ? mixture.FormatOf(tensor.Plan.Name, tensor.Columns, model) : null;
            if (format is null || format == tensor.Plan.Format)
            {
                jobs.Add(new(tensor, null, []));
                continue;
            }
            if (!tensor.Plan.Format.CanDequantize)
                throw new NotSupportedException($"{tensor.Place}: block format {tensor.Plan.Format.Name} cannot be read");
            var weights = importance?.Find(tensor.Plan.Name, tensor.Columns, tensor.Matrices);
            if (weights is null && mixture.NeedsImportance(tensor.Plan.Name, format))
                throw new NotSupportedException($"{tensor.Place}: {mixture.Name} has so few bits that it needs the importance of every input, and {(importance is null ? "no --imatrix is given" : $"{importance.Path} has none for this tensor")}: make one with vernier imatrix, or take q2_k");
            jobs.Add(new(tensor, format, weights is null ? [] : Weights(weights, tensor.Columns)));
        }
        return jobs;
    }

    /// <summary>Importances as weights, each matrix by itself.</summary>
    private static float[] Weights(float[] importance, int columns)
    {
        var weights = new float[importance.Length];
        for (var at = 0; at < weights.Length; at += columns)
            BlockQuantizer.Weights(importance.AsSpan(at, columns)).CopyTo(weights, at);
        return weights;
    }

    private static QuantizedLayer Quantize(Job job, GgufWriter writer, WorkerPool pool, CancellationToken cancel)
    {
        var tensor = job.Tensor;
        var rows = new RowQuantization(tensor, job.Format!, job.Weights, pool.Shares, cancel);
        var atOnce = Math.Max(1, ValuesAtOnce / tensor.Columns);
        for (var row = 0; row < tensor.Rows; row += atOnce)
        {
            rows.Set(row, Math.Min(atOnce, tensor.Rows - row));
            pool.Run(ref rows);
            writer.Write(rows.Bytes);
        }
        var size = rows.Sizes.Sum();
        return new QuantizedLayer(tensor.Plan.Name, job.Format!.Codes?.Bits ?? 16, size == 0 ? 0 : rows.Errors.Sum() / size) { Format = job.Format.Name };
    }

    /// <summary>What llama-quantize writes beside the source's own.</summary>
    private static GgufMetadata Metadata(GgufMetadata source, BlockMixture mixture, ImportanceMatrix? importance)
    {
        var metadata = source.With(GgufValue.Of("general.quantization_version", QuantizationVersion), GgufValue.Of("general.file_type", mixture.FileType));
        if (importance is null)
            return metadata;
        metadata = metadata.With(GgufValue.Of("quantize.imatrix.file", Path.GetFileName(importance.Path)));
        if (importance.Datasets.Count > 0)
            metadata = metadata.With(GgufValue.Of("quantize.imatrix.dataset", importance.Datasets[0]));
        metadata = metadata.With(GgufValue.Of("quantize.imatrix.entries_count", (uint)importance.Tensors.Count));
        return importance.Chunks > 0 ? metadata.With(GgufValue.Of("quantize.imatrix.chunks_count", (uint)importance.Chunks)) : metadata;
    }

    private static IEnumerable<string> Missing(List<Job> jobs, ImportanceMatrix? importance)
    {
        // The embedding is looked up, not multiplied, and the head is seldom watched: they never have any.
        string[] missing = [.. jobs.Where(j => importance is not null && j.Format is not null && j.Weights.Length == 0).Select(j => j.Tensor.Plan.Name).Where(n => n is not ("token_embd.weight" or "output.weight"))];
        if (missing.Length > 0)
            yield return $"{importance!.Path} has nothing for {missing.Length} of the tensors ({string.Join(", ", missing.Take(3))}{(missing.Length > 3 ? ", ..." : "")}): they are quantized as if all inputs counted the same";
    }
}
