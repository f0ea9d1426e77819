package org.retention4j.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.ModelProvider;
import dev.langchain4j.model.chat.Capability;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.listener.ChatModelListener;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.request.ChatRequestParameters;
import dev.langchain4j.model.chat.request.ResponseFormatType;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import dev.langchain4j.model.output.TokenUsage;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.retention4j.args.Args;
import org.retention4j.generate.Generation;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.text.SamplingOptions;
import org.retention4j.text.Tokenizer;

/**
 * A language model as a chat model of LangChain4j, in this process. Each call reads its whole
 * conversation, in a session of its own, on the thread that calls; streams too. May be used by many
 * threads. Model and tokenizer stay the caller's.
 *
 * <p>Not supported, and refused: tools, answers in JSON, penalties of frequency and presence.
 *
 * @since 0.1
 */
public final class RetentionChatModel implements ChatModel, StreamingChatModel {
  private final LanguageModel model;
  private final Tokenizer tokenizer;
  private final GenerationOptions options;
  private final ChatTemplate template;

  /**
   * Makes one.
   *
   * @param options what a request does not say; one that says nothing gets these
   * @param template makes one text of a conversation; {@link ChatTemplate#of} a model's folder
   */
  public RetentionChatModel(
      LanguageModel model, Tokenizer tokenizer, GenerationOptions options, ChatTemplate template) {
    this.model = Args.present("a model", model);
    this.tokenizer = Args.present("a tokenizer", tokenizer);
    this.options = Args.present("options", options);
    this.template = Args.present("a template", template);
  }

  @Override
  public ChatResponse doChat(ChatRequest request) {
    return answer(request, piece -> {});
  }

  /** Streams on the thread that calls; what goes wrong, the handler is told. */
  @Override
  public void doChat(ChatRequest request, StreamingChatResponseHandler handler) {
    ChatResponse response;
    try {
      response = answer(request, handler::onPartialResponse);
    } catch (RuntimeException e) {
      handler.onError(e);
      return;
    }
    handler.onCompleteResponse(response);
  }

  private ChatResponse answer(ChatRequest request, Consumer<String> stream) {
    GenerationOptions asked = asked(request.parameters());
    String text = template.prompt(request.messages());
    int[] prompt = template.marksBeginnings() ? tokenizer.encodeMore(text) : tokenizer.encode(text);
    try (Session session = model.newSession()) {
      Generation answer = new Generator(tokenizer).generate(session, prompt, asked, stream);
      return ChatResponse.builder()
          .aiMessage(AiMessage.from(answer.text()))
          .tokenUsage(new TokenUsage(prompt.length, answer.tokens().size()))
          .finishReason(reason(answer.end()))
          .build();
    }
  }

  private GenerationOptions asked(ChatRequestParameters of) {
    requireNone("tools", of.toolSpecifications() == null || of.toolSpecifications().isEmpty());
    requireNone(
        "answers in JSON",
        of.responseFormat() == null || of.responseFormat().type() == ResponseFormatType.TEXT);
    requireNone("a penalty of frequency", of.frequencyPenalty() == null);
    requireNone("a penalty of presence", of.presencePenalty() == null);
    SamplingOptions sampling = options.sampling();
    sampling = of.temperature() == null ? sampling : sampling.withTemperature(of.temperature());
    sampling = of.topP() == null ? sampling : sampling.withTopP(of.topP());
    sampling = of.topK() == null ? sampling : sampling.withTopK(of.topK());
    GenerationOptions all = options.withSampling(sampling);
    all = of.maxOutputTokens() == null ? all : all.withMaxTokens(of.maxOutputTokens());
    List<String> stops = of.stopSequences();
    return stops == null || stops.isEmpty() ? all : all.withStopStrings(stops);
  }

  private static void requireNone(String what, boolean none) {
    if (!none) {
      throw new UnsupportedFeatureException("expected no " + what + ", got some");
    }
  }

  private static FinishReason reason(Generation.End end) {
    return switch (end) {
      case STOP_TOKEN, STOP_STRING -> FinishReason.STOP;
      case MAX_TOKENS, CACHE_FULL -> FinishReason.LENGTH;
      case CANCELLED -> FinishReason.OTHER;
    };
  }

  @Override
  public ChatRequestParameters defaultRequestParameters() {
    return ChatRequestParameters.builder().build();
  }

  @Override
  public List<ChatModelListener> listeners() {
    return List.of();
  }

  @Override
  public ModelProvider provider() {
    return ModelProvider.OTHER;
  }

  @Override
  public Set<Capability> supportedCapabilities() {
    return Set.of();
  }
}
