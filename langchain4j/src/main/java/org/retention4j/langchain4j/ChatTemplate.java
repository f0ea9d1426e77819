package org.retention4j.langchain4j;

import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import dev.langchain4j.exception.UnsupportedFeatureException;
import java.util.List;

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
