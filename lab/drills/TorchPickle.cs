using System.IO.Compression;
using System.Text;

namespace Vernier.Drills;

/// <summary>The smallest file that torch.save writes for a dictionary of fp32 matrices.</summary>
internal static class TorchPickle
{
    public static void Write(string path, IReadOnlyList<(string Name, int Rows, int Columns)> tensors)
    {
        var pickle = new MemoryStream();
        pickle.Write([0x80, 2, (byte)'}', (byte)'(']);
        for (var i = 0; i < tensors.Count; i++)
        {
            var (name, rows, columns) = tensors[i];
            Text(pickle, name);
            pickle.Write("ctorch._utils\n_rebuild_tensor_v2\n(("u8);
            Text(pickle, "storage");
            pickle.Write("ctorch\nFloatStorage\n"u8);
            Text(pickle, $"{i}");
            Text(pickle, "cpu");
            Number(pickle, rows * columns);
            pickle.Write("tQK\0"u8);
            Number(pickle, rows);
            Number(pickle, columns);
            pickle.WriteByte(0x86);
            Number(pickle, columns);
            pickle.Write([(byte)'K', 1, 0x86, 0x89]);
            pickle.Write("ccollections\nOrderedDict\n)RtR"u8);
        }
        pickle.Write("u."u8);
        using var zip = ZipFile.Open(path, ZipArchiveMode.Create);
        Entry(zip, "archive/data.pkl", pickle.ToArray());
        for (var i = 0; i < tensors.Count; i++)
            Entry(zip, $"archive/data/{i}", new byte[4 * tensors[i].Rows * tensors[i].Columns]);
        Entry(zip, "archive/version", "3\n"u8.ToArray());
    }

    private static void Entry(ZipArchive zip, string name, byte[] bytes)
    {
        using var stream = zip.CreateEntry(name, CompressionLevel.NoCompression).Open();
        stream.Write(bytes);
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
