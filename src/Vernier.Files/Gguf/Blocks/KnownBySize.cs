namespace Vernier.Files.Gguf.Blocks;

/// <summary>A type whose tensors can be listed and copied but not decoded.</summary>
internal sealed class KnownBySize(string name, uint number, int blockSize, int blockBytes) : BlockFormat(name, number, blockSize, blockBytes)
{
    public override bool CanDequantize => false;
}
