package org.retention4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.langchain4j.agent.tool.ToolSpecification;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import dev.langchain4j.model.chat.ChatModel;
import dev.langchain4j.model.chat.StreamingChatModel;
import dev.langchain4j.model.chat.request.ChatRequest;
import dev.langchain4j.model.chat.response.ChatResponse;
import dev.langchain4j.model.chat.response.StreamingChatResponseHandler;
import dev.langchain4j.model.output.FinishReason;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.retention4j.austen.Austen;
import org.retention4j.engine.Engine;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;

/** The model that comes with the project, as LangChain4j sees it. */
class RetentionChatModelTest {
  private static final GenerationOptions OPTIONS = GenerationOptions.DEFAULT.withMaxTokens(30);

  private static Engine engine;
  private static LanguageModel austen;
  private static RetentionChatModel chat;

  @BeforeAll
  static void load() {
    engine = Engine.float32();
    austen = Austen.load(engine);
    chat = new RetentionChatModel(austen, Austen.tokenizer(), OPTIONS, ChatTemplate.COMPLETION);
  }

  @AfterAll
  static void close() {
    austen.close();
    engine.close();
  }

  private static String alone(String prompt) {
    try (Session session = austen.newSession()) {
      return new Generator(Austen.tokenizer())
          .generate(session, prompt, OPTIONS, piece -> {})
          .text();
    }
  }

  @Test
  void answersWithWhatTheModelWrites() {
    ChatModel model = chat;
    assertThat(model.chat("Emma was")).isEqualTo(alone("Emma was")).isNotBlank();
    ChatResponse response =
        model.chat(
            ChatRequest.builder()
                .messages(new SystemMessage("It is a truth "), new UserMessage("universally"))
                .maxOutputTokens(12)
                .stopSequences(List.of("zzz"))
                .build());
    assertThat(alone("It is a truth universally")).startsWith(response.aiMessage().text());
    assertThat(response.finishReason()).isEqualTo(FinishReason.LENGTH);
    assertThat(response.tokenUsage().inputTokenCount()).isEqualTo(25);
    assertThat(response.tokenUsage().outputTokenCount()).isEqualTo(12);
  }

  @Test
  void streamsTheSame() {
    List<String> pieces = new ArrayList<>();
    List<String> whole = new ArrayList<>();
    StreamingChatModel model = chat;
    model.chat(
        "Emma was",
        new StreamingChatResponseHandler() {
          @Override
          public void onPartialResponse(String piece) {
            pieces.add(piece);
          }

          @Override
          public void onCompleteResponse(ChatResponse response) {
            whole.add(response.aiMessage().text());
          }

          @Override
          public void onError(Throwable error) {
            throw new AssertionError(error);
          }
        });
    assertThat(whole).containsExactly(alone("Emma was"));
    assertThat(String.join("", pieces)).isEqualTo(whole.get(0));
    assertThat(pieces).hasSizeGreaterThan(10);
  }

  @Test
  void refusesWhatItDoesNotDo() {
    ChatRequest tools =
        ChatRequest.builder()
            .messages(new UserMessage("a"))
            .toolSpecifications(ToolSpecification.builder().name("clock").build())
            .build();
    assertThatExceptionOfType(UnsupportedFeatureException.class)
        .isThrownBy(() -> ((ChatModel) chat).chat(tools))
        .withMessage("expected no tools, got some");
  }

  @Test
  void makesOneTextOfADialogue() {
    assertThat(
            ChatTemplate.DIALOGUE.prompt(
                List.of(
                    new SystemMessage("Be kind."),
                    new UserMessage("Hello"),
                    new AiMessage("Good day"),
                    new UserMessage("Who are you?"))))
        .isEqualTo("Be kind.\nUser: Hello\nAssistant: Good day\nUser: Who are you?\nAssistant:");
  }
}
