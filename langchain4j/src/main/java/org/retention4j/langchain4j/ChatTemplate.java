package org.retention4j.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.nio.file.Path;
import java.util.List;
import org.retention4j.args.Args;

/**
 * Makes one text of the messages of a conversation, for a model that goes on with texts.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface ChatTemplate {
  /** The text of one message from a user, and what goes before it; for models that only tell. */
  ChatTemplate COMPLETION =
      messages -> {
        StringBuilder text = new StringBuilder();
        for (ChatMessage message : messages) {
          text.append(text(message));
        }
        return text.toString();
      };

  /** "User: ...", "Assistant: ..." in lines of their own, and the beginning of the next answer. */
  ChatTemplate DIALOGUE =
      messages -> {
        StringBuilder text = new StringBuilder();
        for (ChatMessage message : messages) {
          if (message instanceof UserMessage) {
            text.append("User: ");
          } else if (message instanceof AiMessage) {
            text.append("Assistant: ");
          }
          text.append(text(message)).append('\n');
        }
        return text.append("Assistant:").toString();
      };

  /** Returns the text that the model is to go on with. */
  String prompt(List<ChatMessage> messages);

  /**
   * Returns whether its texts begin with the tokens that mark a beginning, so that none is added.
   */
  default boolean marksBeginnings() {
    return false;
  }

  /**
   * Returns the template of a model's folder, {@code chat_template.jinja} or {@code chat_template}
   * in {@code tokenizer_config.json}, and {@link #COMPLETION} where there is none. Templates are
   * evaluated by Jinjava, whose Jinja is that of chat templates but for methods of Python's own and
   * loops with a condition.
   *
   * @throws IllegalArgumentException if it cannot be read; {@link #prompt} throws it for what the
   *     template cannot do, or refuses
   */
  static ChatTemplate of(Path folder) {
    return FolderTemplate.find(Args.present("a folder", folder)).orElse(COMPLETION);
  }

  /**
   * Returns the text of a message.
   *
   * @throws UnsupportedFeatureException for what is no text: images, say, and results of tools
   */
  static String text(ChatMessage message) {
    if (message instanceof SystemMessage system) {
      return system.text();
    }
    if (message instanceof AiMessage answer && !answer.hasToolExecutionRequests()) {
      return answer.text();
    }
    if (message instanceof UserMessage user && user.hasSingleText()) {
      return user.singleText();
    }
    throw new UnsupportedFeatureException("expected messages of one text each, got " + message);
  }
}
