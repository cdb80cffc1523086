using Vernier.Files.Tensors;

namespace Vernier.Files.Pickle;

/// <summary>A name from the list of those a weights file may mention. It is only a label: nothing is imported or called.</summary>
internal sealed record PickleGlobal(string Name);

/// <summary>The elements behind one or more tensors: an entry of the zip file.</summary>
internal sealed record PickleStorage(ElementType Type, string Key, long Elements);

/// <summary>A view of a storage.</summary>
internal sealed record PickleTensor(PickleStorage Storage, long Offset, IReadOnlyList<long> Shape, IReadOnlyList<long> Strides);

/// <summary>A dict, in the order of the file.</summary>
internal sealed class PickleDict
{
    public List<(object? Key, object? Value)> Items { get; } = [];
}
