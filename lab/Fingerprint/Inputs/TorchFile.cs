using System.IO.Compression;
using System.Text;

namespace Vernier.Fingerprint.Inputs;

/// <summary>Writes what torch.save writes for a dictionary of fp32 tensors: a zip archive with a pickle that names its storages.</summary>
internal static class TorchFile
{
    public static void Write(string path, IReadOnlyList<Tensor> tensors)
    {
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        Entry(zip, "archive/data.pkl", Pickle(tensors));
        foreach (var (i, tensor) in tensors.Index())
            Entry(zip, $"archive/data/{i}", tensor.Bytes);
        Entry(zip, "archive/version", "3\n"u8.ToArray());
    }

    private static byte[] Pickle(IReadOnlyList<Tensor> tensors)
    {
        var pickle = new MemoryStream();
        pickle.Write([0x80, 2, (byte)'}', (byte)'(']);
        foreach (var (i, tensor) in tensors.Index())
        {
            Text(pickle, tensor.Name);
            pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text(pickle, "storage");
            pickle.Write("ctorch\nFloatStorage\n"u8);
            Text(pickle, $"{i}");
            Text(pickle, "cpu");
            Number(pickle, tensor.Bytes.Length / 4);
            pickle.Write("tQK\0"u8);
            Tuple(pickle, tensor.Shape);
            Tuple(pickle, tensor.Shape.Length == 1 ? [1] : [tensor.Shape[1], 1]);
            pickle.WriteByte(0x89);
            pickle.Write("ccollections\nOrderedDict\n)RtR"u8);
        }
        pickle.Write("u."u8);
        return pickle.ToArray();
    }

    private static void Entry(ZipArchive zip, string name, byte[] bytes)
    {
        using var stream = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
        stream.Write(bytes);
    }

    private static void Tuple(MemoryStream pickle, int[] numbers)
    {
        foreach (var number in numbers)
            Number(pickle, number);
        pickle.WriteByte((byte)(0x84 + numbers.Length)); // TUPLE1, TUPLE2
    }

    private static void Text(MemoryStream pickle, string text)
    {
        pickle.WriteByte((byte)'X');
        pickle.Write(BitConverter.GetBytes(Encoding.UTF8.GetByteCount(text)));
        pickle.Write(Encoding.UTF8.GetBytes(text));
    }

    private static void Number(MemoryStream pickle, int number)
    {
        pickle.WriteByte((byte)'J');
        pickle.Write(BitConverter.GetBytes(number));
    }
}
