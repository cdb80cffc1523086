namespace Vernier.Cli.Arguments;

/// <summary>What an option or argument of a verb names.</summary>
internal enum OutputKind
{
    /// <summary>A file that the verb writes.</summary>
    File,

    /// <summary>A result in JSON: an earlier one may be replaced.</summary>
    Result,

    /// <summary>Rows that the verb makes of others, JSON Lines: earlier ones may be replaced.</summary>
    Rows,

    /// <summary>A file, or a folder where the name is none of a file's; the verb decides.</summary>
    FileOrFolder,

    /// <summary>A folder that the verb fills.</summary>
    Folder,

    /// <summary>The folder of a tuning run: the run itself says what may stay in it.</summary>
    Run,

    /// <summary>No path at all: free text.</summary>
    Text,
}
