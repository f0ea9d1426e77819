package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Texts that are longer than a tokenizer takes at once. */
class LongTextTest {
  @TempDir private Path folder;

  /** Its file may lengthen a text 60 times: it takes less than 70,000 characters at once. */
  @Test
  void perplexityGivesATokenizerNoMoreThanItTakes() throws IOException {
    Path model = Commands.copyOf("fla-f32", folder.resolve("model"));
    Files.writeString(
        model.resolve("tokenizer.json"),
        """
        {"normalizer":{"type":"Replace","pattern":{"String":"q"},"content":"%s"},
         "pre_tokenizer":{"type":"WhitespaceSplit"},
         "model":{"type":"WordLevel","vocab":{"a":0,"u":1},"unk_token":"u"}}
        """
            .formatted("x".repeat(180)));
    Path text = folder.resolve("text");
    Files.writeString(text, ("a".repeat(999) + " ").repeat(150));
    assertThat(Commands.ok("perplexity --model " + model + " " + text).out())
        .startsWith("149 tokens scored");
  }
}
