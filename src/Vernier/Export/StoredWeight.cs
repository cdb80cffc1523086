using Vernier.Kernels;
using Vernier.Models;

namespace Vernier.Export;

/// <summary>A tensor as a file holds it: one of the decoder's, or several that lie in it by rows.</summary>
internal sealed class StoredWeight
{
    private readonly List<(WeightMatrix? Matrix, Parameter? Vector, StoredPart Part)> _parts = [];

    private StoredWeight(string name) => Name = name;

    /// <summary>The name in the file.</summary>
    public string Name { get; }

    /// <summary>The decoder's tensor where it is the only one; where there are several, a view of all, which can be read but has no codes.</summary>
    public WeightMatrix? Matrix { get; private set; }

    /// <summary>The matrix as a folder of plain numbers has it: [in, out] where the family's has.</summary>
    public WeightMatrix? Plain => Matrix is { } matrix && _parts[0].Part.IsTransposed ? new TransposedView(matrix) : Matrix;

    /// <summary>In place of a matrix.</summary>
    public Parameter? Vector { get; private set; }

    /// <summary>Where the rows lie; in the order of the file already where there are several tensors.</summary>
    public RotaryRowOrder Order => _parts.Count == 1 ? _parts[0].Part.Order : default;

    /// <summary>The first of the matrices, by which the form of all is known.</summary>
    public WeightMatrix? First => _parts[0].Matrix;

    /// <summary>Sizes of the stored matrix, the fastest dimension first.</summary>
    public IReadOnlyList<long> Dimensions => _parts[0].Part.Dimensions(Matrix!.Columns, Matrix.Rows);

    /// <summary>All are held as integer codes.</summary>
    public bool IsPacked => _parts.All(p => p.Matrix is PackedMatrix);

    /// <summary>The names of the decoder's linears.</summary>
    public IEnumerable<string> Names => _parts.Select(p => p.Part.Name);

    /// <summary>All tensors of a decoder, in its order.</summary>
    /// <exception cref="NotSupportedException">The files have no name for one.</exception>
    public static List<StoredWeight> Of(Decoder decoder, StoredTensors places)
    {
        var all = new List<StoredWeight>();
        var byName = new Dictionary<string, StoredWeight>(StringComparer.Ordinal);
        foreach (var (name, matrix, vector) in decoder.Weights())
        {
            var part = places.Find(name) ?? throw new NotSupportedException($"GGUF has no name for '{name}'");
            if (!byName.TryGetValue(part.Stored, out var stored))
                all.Add(byName[part.Stored] = stored = new StoredWeight(part.Stored));
            stored._parts.Add((matrix, vector, part));
        }
        foreach (var stored in all)
            stored.Complete();
        return all;
    }

    /// <summary>Does something with the matrix of all codes, which is joined for it and let go again where there are several.</summary>
    /// <exception cref="NotSupportedException">The linears differ in bits or groups: names them.</exception>
    public T WithCodes<T>(Func<PackedMatrix, T> use)
    {
        if (_parts.Count == 1)
            return use((PackedMatrix)_parts[0].Matrix!);
        using var joined = RowSelection.Join([.. _parts.Select(p => ((PackedMatrix)p.Matrix!, p.Part.Order))], _parts[0].Part.StoredRows)
            ?? throw new NotSupportedException($"'{Name}' holds {string.Join(", ", Names)}, which differ in bits, groups or tables of codes: give them the same, or export --to native");
        return use(joined);
    }

    private void Complete()
    {
        if (_parts is [{ Part.IsFused: false } only])
        {
            (Matrix, Vector) = (only.Matrix, only.Part.Offset == 0 ? only.Vector : WithOffset(only.Vector!, only.Part.Offset));
            return;
        }
        var rows = _parts[0].Part.StoredRows;
        if (_parts[0].Matrix is not null)
        {
            Matrix = new JoinedRows([.. _parts.Select(p => (p.Matrix!, p.Part.Order))], rows);
            return;
        }
        Vector = new Parameter(Name, rows);
        foreach (var (_, vector, part) in _parts)
            for (var i = 0; i < part.Rows; i++)
                Vector.Value.Span[part.Order.FileRow(i)] = vector!.Value.Span[i];
    }

    private Parameter WithOffset(Parameter vector, float offset)
    {
        var sum = new Parameter(Name, vector.Shape[0]);
        for (var i = 0; i < vector.Shape[0]; i++)
            sum.Value.Span[i] = vector.Value.Span[i] + offset;
        return sum;
    }

    /// <summary>Rows of several matrices as those of one.</summary>
    private sealed class JoinedRows : WeightMatrix
    {
        private readonly (WeightMatrix Matrix, int Row)[] _rows;

        public JoinedRows(IReadOnlyList<(WeightMatrix Matrix, RotaryRowOrder Order)> parts, int rows)
            : base(rows, parts[0].Matrix.Columns)
        {
            _rows = new (WeightMatrix, int)[rows];
            foreach (var (matrix, order) in parts)
                for (var row = 0; row < matrix.Rows; row++)
                    _rows[order.FileRow(row)] = (matrix, row);
        }

        public override long Bytes => 0;

        public override void ReadTile(int row, int rows, int column, int columns, Span<float> destination, int stride)
        {
            CheckTile(row, rows, column, columns, destination.Length, stride);
            for (var r = 0; r < rows; r++)
                _rows[row + r].Matrix.ReadTile(_rows[row + r].Row, 1, column, columns, destination[(r * stride)..], columns);
        }
    }
}
