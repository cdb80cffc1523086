using System.Text.Json.Nodes;
using Vernier.Tokens.Templates;

namespace Vernier.Tokens;

/// <summary>Finds the assistant's replies in a rendered conversation and marks their tokens. A template says nowhere where a reply stands, so
/// other renderings tell: the conversation before the reply, the one that ends with it, and the whole with another reply in its place.</summary>
internal sealed class ChatTrainingEncoder
{
    /// <summary>A character that no template and hardly any message writes.</summary>
    private const string Sentinel = "\uE000";

    private const int LongestEnd = 256; // characters in which the end of a turn must stand

    private const int PromptEnd = 8; // characters by which the end of a prompt is known

    /// <summary>What a reply holds beside its content, and writes itself.</summary>
    private static readonly string[] s_written = ["tool_calls", "function_call", "reasoning_content", "reasoning", "thinking"];

    private readonly ChatTemplate _template;
    private readonly IReadOnlyList<ChatMessage> _messages;
    private readonly ITokenizer _tokenizer;
    private readonly IReadOnlyDictionary<string, JsonNode?>? _variables;
    private readonly string _whole;

    private ChatTrainingEncoder(ChatTemplate template, IReadOnlyList<ChatMessage> messages, ITokenizer tokenizer, IReadOnlyDictionary<string, JsonNode?>? variables)
    {
        (_template, _messages, _tokenizer, _variables) = (template, messages, tokenizer, variables);
        _whole = Render(messages, open: false);
    }

    /// <exception cref="TemplateException">The template refuses the messages, or its text does not show where a reply stands.</exception>
    public static ChatTrainingIds Encode(
        ChatTemplate template, IReadOnlyList<ChatMessage> messages, ITokenizer tokenizer, IReadOnlyDictionary<string, JsonNode?>? variables) =>
        new ChatTrainingEncoder(template, messages, tokenizer, variables).Encode();

    private ChatTrainingIds Encode()
    {
        var ids = _tokenizer.Encode(_whole);
        bool[] isReply = new bool[ids.Length], isLeftOut = new bool[ids.Length];
        var from = 0;
        for (var i = 0; i < _messages.Count; i++)
        {
            if (_messages[i].Role != "assistant")
                continue;
            var found = ByPrefix(i, from) ?? ByReplacement(i, from) ?? ByText(i, from);
            if (found is not { } span)
            {
                if (_messages[i].IsTrained)
                    throw new TemplateException($"the template's text does not show where the reply of message {i} stands", 1);
                continue;
            }
            Mark(ids, _messages[i].IsTrained ? isReply : isLeftOut, CountIds(ids, span.Start), CountIds(ids, span.End));
            from = span.End;
        }
        return _tokenizer is { AddsBos: true, BosId: { } bos } && (ids.Length == 0 || ids[0] != bos)
            ? new([bos, .. ids], [false, .. isReply]) { IsLeftOut = [false, .. isLeftOut] }
            : new(ids, isReply) { IsLeftOut = isLeftOut };
    }

    /// <summary>The usual template writes a message without regard to what follows: the reply is what it adds to the conversation before it.</summary>
    private (int Start, int End)? ByPrefix(int at, int from)
    {
        // A template that opens the assistant's turn unasked has it open after the reply, too.
        if (Before(at) is not { } before || before == BeforeClosed(at) || After(at) is not { } after)
            return null;
        return before.Length >= from && after.StartsWith(before, StringComparison.Ordinal) && _whole.StartsWith(after, StringComparison.Ordinal)
            ? (before.Length, after.Length)
            : null;
    }

    /// <summary>Other templates treat the last message in a way of its own, or move what stands before it: the reply is what changes when another
    /// takes its place and all else stays, up to the end of the turn.</summary>
    private (int Start, int End)? ByReplacement(int at, int from)
    {
        foreach (var other in Others(_messages[at]))
        {
            if (TryRender([.. _messages.Select((message, i) => i == at ? other : message)], open: false) is not { } text)
                continue;
            var start = _whole.AsSpan().CommonPrefixLength(text);
            if (start < from || start == text.Length || text[start] != Sentinel[0])
                continue;
            var tail = text.AsSpan(start + Sentinel.Length);
            var end = _whole.Length - tail.Length;
            if (end < start || tail.Contains(Sentinel, StringComparison.Ordinal) || !_whole.AsSpan(end).SequenceEqual(tail))
                continue;
            var closed = end + EndOfTurnLength(end);
            if (closed > start)
                return (AfterOpening(at, start, from), closed);
        }
        return null;
    }

    /// <summary>What the reply adds to the conversation before it stands somewhere in the whole, where the template moves what is around it.</summary>
    private (int Start, int End)? ByText(int at, int from)
    {
        if (After(at) is not { } after)
            return null;
        var start = Before(at) is { } before && after.StartsWith(before, StringComparison.Ordinal) ? before.Length : StartByReplacement(at, after);
        if (start is not { } found)
            return null;
        foreach (var reply in (string[])[after[found..], after[found..].TrimEnd()])
            foreach (var header in (int[])[64, 16, 4, 0]) // what stands before it tells it from a quotation
            {
                var head = Math.Min(header, found);
                var place = reply.Length == 0 ? -1 : _whole.IndexOf(after.Substring(found - head, head) + reply, Math.Max(0, from - head), StringComparison.Ordinal);
                if (place >= 0)
                    return (place + head, place + head + reply.Length);
            }
        return null;
    }

    /// <summary>Where the reply begins in the conversation that ends with it.</summary>
    private int? StartByReplacement(int at, string after)
    {
        foreach (var other in Others(_messages[at]))
            if (TryRender([.. _messages.Take(at), other], open: false) is { } text && after.AsSpan().CommonPrefixLength(text) is var start && start < text.Length && text[start] == Sentinel[0])
                return start;
        return null;
    }

    /// <summary>Replies that can take the place of one: a plain text first, which has none of its calls and thoughts.</summary>
    private static IEnumerable<ChatMessage> Others(ChatMessage message)
    {
        yield return new ChatMessage(message.Role, Sentinel);
        var extra = message.Extra.Where(member => member.Key != "content").ToDictionary(member => member.Key, member => member.Value);
        if (!s_written.Any(name => extra.GetValueOrDefault(name) is not null))
            yield return new ChatMessage(message.Role, Sentinel) { Extra = extra };
        extra = new() { ["content"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = Sentinel }) };
        yield return new ChatMessage(message.Role, null) { Extra = extra };
    }

    /// <summary>What a template writes between the end of a prompt and the content is the reply's: an empty thought behind the opening of the turn,
    /// or the blank that joins the reply to a prompt without one.</summary>
    private int AfterOpening(int at, int start, int from)
    {
        if (Before(at) is not { Length: > 0 } before || BeforeClosed(at) is not { } closed)
            return start;
        if (before.Length > closed.Length && before.StartsWith(closed, StringComparison.Ordinal))
        {
            var opening = before[closed.Length..];
            var found = _whole.AsSpan(from, start - from).LastIndexOf(opening, StringComparison.Ordinal);
            return found < 0 ? start : from + found + opening.Length;
        }
        var end = from + _whole.AsSpan(from, start - from).TrimEnd().Length;
        return !char.IsWhiteSpace(before[^1]) && _whole.AsSpan(0, end).EndsWith(before.AsSpan(Math.Max(0, before.Length - PromptEnd))) ? end : start;
    }

    /// <summary>How far the first special token reaches, if only white space stands before it.</summary>
    private int EndOfTurnLength(int at)
    {
        var rest = _whole.Substring(at, Math.Min(LongestEnd, _whole.Length - at));
        var blanks = rest.Length - rest.AsSpan().TrimStart().Length;
        foreach (var id in _tokenizer.Encode(rest[blanks..]))
            if (_tokenizer.IsSpecial(id))
                return (id != _tokenizer.BosId || id == _tokenizer.EosId) && rest.AsSpan(blanks).StartsWith(_tokenizer.Piece(id)) ? blanks + _tokenizer.Piece(id).Length : 0;
            else if (!_tokenizer.TokenBytes(id).AsSpan().TrimStart((byte)' ').IsEmpty)
                return 0;
        return 0;
    }

    /// <summary>How many of the whole text's ids its beginning has in common with it.</summary>
    private int CountIds(int[] ids, int length) => ids.AsSpan().CommonPrefixLength(_tokenizer.Encode(_whole[..length]));

    /// <summary>Marks a run of ids, without the white space after the end of the turn.</summary>
    private void Mark(int[] ids, bool[] marks, int start, int end)
    {
        var last = end;
        while (last > start && !_tokenizer.IsSpecial(ids[last - 1]) && _tokenizer.TokenBytes(ids[last - 1]).All(value => value is 32 or 9 or 10 or 13))
            last--;
        if (last > start && _tokenizer.IsSpecial(ids[last - 1]))
            end = last;
        marks.AsSpan(start, Math.Max(0, end - start)).Fill(true);
    }

    /// <summary>The conversation before a message, with the assistant's turn opened.</summary>
    private string? Before(int at) => TryRender([.. _messages.Take(at)], open: true);

    private string? BeforeClosed(int at) => TryRender([.. _messages.Take(at)], open: false);

    /// <summary>The conversation that ends with a message.</summary>
    private string? After(int at) => TryRender([.. _messages.Take(at + 1)], open: false);

    /// <summary>null where the template refuses: some want a conversation to begin or to end in a certain way.</summary>
    private string? TryRender(IReadOnlyList<ChatMessage> messages, bool open)
    {
        try
        {
            return Render(messages, open);
        }
        catch (TemplateException)
        {
            return null;
        }
    }

    private string Render(IReadOnlyList<ChatMessage> messages, bool open) => _template.Render(messages, open, _tokenizer, _variables);
}
