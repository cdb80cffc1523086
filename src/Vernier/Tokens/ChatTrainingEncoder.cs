using System.Text.Json.Nodes;

namespace Vernier.Tokens;

/// <summary>Finds the assistant's replies in a rendered conversation and marks their tokens.</summary>
internal static class ChatTrainingEncoder
{
    /// <summary>A character that no template and hardly any message writes.</summary>
    private const string Sentinel = "\uE000";

    public static ChatTrainingIds Encode(
        ChatTemplate template, IReadOnlyList<ChatMessage> messages, ITokenizer tokenizer, IReadOnlyDictionary<string, JsonNode?>? extra)
    {
        var whole = template.Render(messages, addGenerationPrompt: false, tokenizer, extra);
        var ids = tokenizer.Encode(whole);
        var isReply = new bool[ids.Length];
        for (var i = 0; i < messages.Count; i++)
        {
            if (messages[i].Role != "assistant")
                continue;
            var (start, end) = ByPrefix(template, messages, i, whole, tokenizer, extra)
                ?? ByContent(template, messages, i, whole, tokenizer, extra)
                ?? throw new TemplateException($"the template's text does not show where the reply of message {i} stands", 1);
            var last = CountIds(tokenizer, ids, whole[..end]);
            Mark(tokenizer, ids, isReply, CountIds(tokenizer, ids, whole[..start]), last);
        }
        return AddBos(tokenizer, ids, isReply);
    }

    /// <summary>The usual template writes a message without regard to what follows: the reply is what it adds to the conversation before it.</summary>
    private static (int Start, int End)? ByPrefix(
        ChatTemplate template, IReadOnlyList<ChatMessage> messages, int at, string whole, ITokenizer tokenizer, IReadOnlyDictionary<string, JsonNode?>? extra)
    {
        try
        {
            var before = template.Render([.. messages.Take(at)], addGenerationPrompt: true, tokenizer, extra);
            var beforeClosed = template.Render([.. messages.Take(at)], addGenerationPrompt: false, tokenizer, extra);
            var after = template.Render([.. messages.Take(at + 1)], addGenerationPrompt: false, tokenizer, extra);
            // A template that opens the assistant's turn unasked has it open after the reply, too.
            return before != beforeClosed && after.StartsWith(before, StringComparison.Ordinal) && whole.StartsWith(after, StringComparison.Ordinal)
                ? (before.Length, after.Length)
                : null;
        }
        catch (TemplateException)
        {
            // Some templates refuse a conversation that ends here.
            return null;
        }
    }

    /// <summary>Other templates treat the last message in a way of its own: the reply is what changes with its content, up to the end of the turn.</summary>
    private static (int Start, int End)? ByContent(
        ChatTemplate template, IReadOnlyList<ChatMessage> messages, int at, string whole, ITokenizer tokenizer, IReadOnlyDictionary<string, JsonNode?>? extra)
    {
        if (string.IsNullOrWhiteSpace(messages[at].Content))
            return null;
        var other = template.Render(
            [.. messages.Select((message, i) => i == at ? message with { Content = Sentinel } : message)], addGenerationPrompt: false, tokenizer, extra);
        var start = whole.AsSpan().CommonPrefixLength(other);
        if (start == other.Length || other[start] != Sentinel[0])
            return null;
        var tail = other.Length - start - Sentinel.Length;
        var end = whole.Length - tail;
        if (end <= start || !whole.AsSpan(end).SequenceEqual(other.AsSpan(start + Sentinel.Length)))
            return null;
        return (start, end + EndOfTurnLength(tokenizer, whole[end..]));
    }

    /// <summary>How far the first special token reaches, if only white space stands before it.</summary>
    private static int EndOfTurnLength(ITokenizer tokenizer, string rest)
    {
        var blanks = rest.Length - rest.AsSpan().TrimStart().Length;
        foreach (var id in tokenizer.Encode(rest[blanks..]))
            if (tokenizer.IsSpecial(id))
                return rest.AsSpan(blanks).StartsWith(tokenizer.Piece(id)) ? blanks + tokenizer.Piece(id).Length : 0;
            else if (!tokenizer.TokenBytes(id).AsSpan().TrimStart((byte)' ').IsEmpty)
                return 0;
        return 0;
    }

    /// <summary>How many of the whole text's ids the beginning of the text has in common with it.</summary>
    private static int CountIds(ITokenizer tokenizer, int[] ids, string beginning) =>
        ids.AsSpan().CommonPrefixLength(tokenizer.Encode(beginning));

    /// <summary>Marks a run of ids, without the white space after the end of the turn.</summary>
    private static void Mark(ITokenizer tokenizer, int[] ids, bool[] isReply, int start, int end)
    {
        var last = end;
        while (last > start && !tokenizer.IsSpecial(ids[last - 1]) && tokenizer.TokenBytes(ids[last - 1]).All(value => value is 32 or 9 or 10 or 13))
            last--;
        if (last > start && tokenizer.IsSpecial(ids[last - 1]))
            end = last;
        isReply.AsSpan(start, Math.Max(0, end - start)).Fill(true);
    }

    private static ChatTrainingIds AddBos(ITokenizer tokenizer, int[] ids, bool[] isReply) =>
        tokenizer is { AddsBos: true, BosId: { } bos } && (ids.Length == 0 || ids[0] != bos)
            ? new([bos, .. ids], [false, .. isReply])
            : new(ids, isReply);
}
