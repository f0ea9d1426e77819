package org.retention4j.langchain4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.langchain4j.data.message.AiMessage;
import dev.langchain4j.data.message.ChatMessage;
import dev.langchain4j.data.message.SystemMessage;
import dev.langchain4j.data.message.UserMessage;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Templates of folders, against what Python's Jinja 3.1.6 makes of them. */
class FolderTemplateTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  private static final List<ChatMessage> MESSAGES =
      List.of(
          new SystemMessage("Be kind. "),
          new UserMessage(" Hello <b>& \"you\""),
          new AiMessage(" Good day"),
          new UserMessage("Who are you?"));

  @TempDir Path folder;

  private void write(Object template) throws IOException {
    ObjectNode config = JSON.createObjectNode();
    config.put("bos_token", "<s>");
    config.putObject("eos_token").put("content", "</s>").put("special", true);
    config.set("chat_template", JSON.valueToTree(template));
    Files.writeString(folder.resolve("tokenizer_config.json"), config.toString());
  }

  @Test
  void makesTheSameTextAsPython() throws IOException {
    JsonNode cases;
    try (InputStream file = FolderTemplateTest.class.getResourceAsStream("chat-templates.json")) {
      cases = JSON.readTree(file);
    }
    assertThat(cases).hasSize(4);
    for (JsonNode each : cases) {
      write(each.get("template").textValue());
      ChatTemplate template = ChatTemplate.of(folder);
      assertThat(template.prompt(MESSAGES))
          .as(each.get("name").textValue())
          .isEqualTo(each.get("expected").textValue());
      assertThat(template.marksBeginnings()).isTrue();
    }
  }

  @Test
  void withoutOneTextsGoOn() throws IOException {
    assertThat(ChatTemplate.of(folder)).isSameAs(ChatTemplate.COMPLETION);
    write(null);
    assertThat(ChatTemplate.of(folder)).isSameAs(ChatTemplate.COMPLETION);
    assertThat(ChatTemplate.COMPLETION.marksBeginnings()).isFalse();
  }

  @Test
  void aFileOfItsOwnCountsFirst() throws IOException {
    write("config");
    Files.writeString(
        folder.resolve("chat_template.jinja"), "{{ bos_token }}{{ messages[1].role }}");
    assertThat(ChatTemplate.of(folder).prompt(MESSAGES)).isEqualTo("<s>user");
  }

  @Test
  void ofSeveralTheDefaultCounts() throws IOException {
    write(
        JSON.readTree(
            "[{'name':'tools','template':'a'},{'name':'default','template':'b'}]"
                .replace('\'', '"')));
    assertThat(ChatTemplate.of(folder).prompt(MESSAGES)).isEqualTo("b");
    write(JSON.readTree("[]"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChatTemplate.of(folder))
        .withMessageContainingAll("tokenizer_config.json", "one is named default");
  }

  @Test
  void whatItRefusesOrCannotDoIsSaid() throws IOException {
    write("{{ raise_exception('roles must alternate') }}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChatTemplate.of(folder).prompt(MESSAGES))
        .withMessageContainingAll("chat template of " + folder, "roles must alternate");
    write("{% for %}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChatTemplate.of(folder).prompt(MESSAGES))
        .withMessageContaining("cannot be evaluated");
    write("{%- for m in messages\n if m.role == 'user' -%}{{ m.content }}{% endfor %}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChatTemplate.of(folder))
        .withMessageContainingAll("loops have no condition", "if m.role");
    write("{% for m in (messages if bos_token else []) %}{{ m.role }}{% endfor %}");
    assertThat(ChatTemplate.of(folder).prompt(MESSAGES)).isEqualTo("systemuserassistantuser");
    write("{{ strftime_now('%d') }}");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ChatTemplate.of(folder).prompt(MESSAGES))
        .withMessageContaining("strftime_now");
  }
}
