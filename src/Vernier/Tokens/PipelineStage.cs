using Vernier.Tokens.Patterns;

namespace Vernier.Tokens;

/// <summary>A stage that cuts a text into pieces and may change them.</summary>
internal abstract record PipelineStage
{
    /// <summary>A stretch of text, and whether the whole text begins with it.</summary>
    public readonly record struct Piece(string Text, bool IsFirst);

    /// <summary>Appends what becomes of a piece.</summary>
    public abstract void Apply(Piece piece, List<Piece> pieces, WorkLimit work);

    /// <summary>Cuts only.</summary>
    public sealed record Cut(PreTokenization.Rule Rule) : PipelineStage
    {
        private readonly PreTokenizer _cutter = PreTokenization.Build(Rule);

        public override void Apply(Piece piece, List<Piece> pieces, WorkLimit work) => CutBy(_cutter, piece, pieces, work);
    }

    /// <summary>A mark for every space, and one in front; pieces begin at the marks.</summary>
    public sealed record Metaspace(char Mark, PrefixSpace Prefix, bool Splits) : PipelineStage
    {
        private readonly CharacterPreTokenizer _cutter = new(Patterns.CharacterSet.Of(Mark), SplitBehavior.MergedWithNext);

        public override void Apply(Piece piece, List<Piece> pieces, WorkLimit work)
        {
            var text = piece.Text.Replace(' ', Mark);
            if ((Prefix == PrefixSpace.Always || (Prefix == PrefixSpace.First && piece.IsFirst)) && !text.StartsWith(Mark))
                text = Mark + text;
            if (Splits)
                CutBy(_cutter, piece with { Text = text }, pieces, work);
            else
                pieces.Add(piece with { Text = text });
        }
    }

    /// <summary>Pieces by GPT-2's pattern, or the piece as it is, spelled by the characters of their bytes.</summary>
    public sealed record ByteLevel(bool AddsPrefixSpace, bool UsesPattern) : PipelineStage
    {
        private readonly PreTokenizer _cutter = UsesPattern ? PreTokenization.Gpt2.Build() : new WholePreTokenizer();

        public override void Apply(Piece piece, List<Piece> pieces, WorkLimit work)
        {
            var text = AddsPrefixSpace && !piece.Text.StartsWith(' ') ? " " + piece.Text : piece.Text;
            var first = pieces.Count;
            CutBy(_cutter, piece with { Text = text }, pieces, work);
            for (var i = first; i < pieces.Count; i++)
                pieces[i] = pieces[i] with { Text = ByteAlphabet.Spell(pieces[i].Text) };
        }
    }

    private static void CutBy(PreTokenizer cutter, Piece piece, List<Piece> pieces, WorkLimit work)
    {
        var ends = new List<int>();
        cutter.Split(piece.Text, 0, ends, work);
        var start = 0;
        foreach (var end in ends)
        {
            if (end >= 0)
                pieces.Add(new Piece(piece.Text[start..end], piece.IsFirst && start == 0));
            start = end < 0 ? ~end : end;
        }
    }
}
