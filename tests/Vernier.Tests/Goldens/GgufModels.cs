using Vernier.TestSupport;

namespace Vernier.Tests.Goldens;

/// <summary>The whole GGUF models of the reference files, one a block format, made of random weights.</summary>
public static class GgufModels
{
    public const string Folder = "goldens/formats/gguf_models";

    /// <summary>Their names, as rows of a theory.</summary>
    public static TheoryData<string> Names => SharedFiles.Rows(Folder + "/*.gguf");
}
