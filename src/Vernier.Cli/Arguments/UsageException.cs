namespace Vernier.Cli.Arguments;

/// <summary>The command line is well formed but asks for something that does not go together; ends with exit code 2.</summary>
internal sealed class UsageException(string message) : Exception(message)
{
    /// <summary>Options that their own rules let pass.</summary>
    /// <param name="rules">Given the dashes that stand before an option's name.</param>
    /// <exception cref="UsageException">They do not: says why.</exception>
    public static T Unless<T>(Func<string, T> rules)
    {
        try
        {
            return rules("--");
        }
        catch (ArgumentException e)
        {
            throw new UsageException(e.Message);
        }
    }
}
