namespace Vernier.Tokens.Templates;

internal enum TemplateTokenKind
{
    /// <summary>Text between tags.</summary>
    Text,
    ExpressionBegin,
    ExpressionEnd,
    BlockBegin,
    BlockEnd,
    Name,
    String,
    Integer,
    Float,
    Operator,
    End,
}

internal readonly record struct TemplateToken(TemplateTokenKind Kind, string Text, int Line)
{
    public bool Is(string @operator) => Kind == TemplateTokenKind.Operator && Text == @operator;

    public bool IsName(string name) => Kind == TemplateTokenKind.Name && Text == name;

    public override string ToString() => Kind switch
    {
        TemplateTokenKind.End => "the end of the template",
        TemplateTokenKind.Text => "text",
        TemplateTokenKind.ExpressionEnd => "'}}'",
        TemplateTokenKind.BlockEnd => "'%}'",
        _ => $"'{Text}'",
    };
}
