using Vernier.Models;
using Vernier.Tokens;
using Vernier.Tokens.Templates;

namespace Vernier.Data;

/// <summary>Samples as written to samples as ids. BOS stands in front where the tokenizer adds it, EOS at the end where it has one,
/// so that the model learns to stop.</summary>
/// <param name="tokenizer">null where the model has none.</param>
/// <param name="chatTemplate">The model's template, read when the first conversation comes; its value is null where the model has none.</param>
/// <param name="trainOnPrompt">Loss on the prompt too, not on the answer only.</param>
internal sealed class SampleEncoder(ITokenizer? tokenizer, Lazy<ChatTemplate?> chatTemplate, bool trainOnPrompt)
{
    /// <summary>The ids of a stream of text, without BOS or EOS.</summary>
    public int[] Stream(string path, string text) => Tokenizer(path).Encode(text);

    /// <summary>A document: every token is a target.</summary>
    public Sample Document(string path, string text, string place)
    {
        var (ids, _) = Enclose(Tokenizer(path), Tokenizer(path).Encode(text));
        return new(ids, ids, place);
    }

    /// <summary>A prompt and its answer. They are tokenised as one text, and blanks at the prompt's end belong to the answer:
    /// the rule by which continuations are scored, so that a tuned model is measured on what it was tuned on.</summary>
    public Sample Answer(string path, string prompt, string answer, string place)
    {
        var words = Tokenizer(path);
        var body = words.Encode(prompt + answer);
        var (ids, front) = Enclose(words, body);
        if (trainOnPrompt)
            return new(ids, ids, place);
        var head = prompt.TrimEnd();
        var asked = head.Length == 0 ? 0 : Math.Min(words.Encode(head).Length, body.Length);
        var labels = (int[])ids.Clone();
        labels.AsSpan(0, front + asked).Fill(TokenBatch.NoTarget);
        return new(ids, labels, place);
    }

    /// <summary>A conversation by the model's chat template; the assistant's replies are the answers. Replies that the data take the loss off have none,
    /// even where the prompt has.</summary>
    /// <exception cref="InvalidDataException">The model has no template, or it refuses the messages.</exception>
    public Sample Chat(string path, ChatRecord record, string place)
    {
        var words = Tokenizer(path);
        try
        {
            var template = chatTemplate.Value ?? throw new InvalidDataException($"{path}: {place}: holds messages, but the model has no chat template");
            var chat = template.EncodeForTraining(record.Messages, words, record.Variables);
            return new(chat.Ids, [.. chat.Ids.Select((id, i) => chat.IsReply[i] || (trainOnPrompt && !chat.IsLeftOut[i]) ? id : TokenBatch.NoTarget)], place);
        }
        catch (TemplateException e)
        {
            throw new InvalidDataException($"{path}: {place}: the model's chat template refuses it: {e.Message}", e);
        }
    }

    private ITokenizer Tokenizer(string path) =>
        tokenizer ?? throw new InvalidDataException($"{path}: holds text, but the model has no tokenizer; expected lines with input_ids");

    /// <summary>BOS in front and EOS at the end, where the text does not bring them along: neither is ever there twice.</summary>
    /// <returns>The ids, and how many stand in front of the text's own.</returns>
    private static (int[] Ids, int Front) Enclose(ITokenizer words, int[] body)
    {
        int[] front = words is { AddsBos: true, BosId: { } bos } && (body.Length == 0 || body[0] != bos) ? [bos] : [];
        int[] back = words.EosId is { } eos && !EndsWith(words, body, eos) ? [eos] : [];
        return ([.. front, .. body, .. back], front.Length);
    }

    /// <summary>Nothing but white space stands behind the last EOS.</summary>
    private static bool EndsWith(ITokenizer words, int[] body, int eos)
    {
        for (var i = body.Length - 1; i >= 0; i--)
            if (body[i] == eos || !words.TokenBytes(body[i]).All(b => b is 32 or 9 or 10 or 13))
                return body[i] == eos;
        return false;
    }
}
