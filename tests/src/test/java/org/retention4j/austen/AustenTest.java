package org.retention4j.austen;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.LoadOptions;
import org.retention4j.engine.Engine;
import org.retention4j.generate.Scorer;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;

/** The model of the artifact is the one of its card, and has learnt English. */
class AustenTest {
  /** From a novel that the model has not seen: Persuasion, chapter 4. */
  private static final String UNSEEN =
      "She had been forced into prudence in her youth, she learned romance as she grew older: the"
          + " natural sequel of an unnatural beginning.";

  @TempDir private Path folder;

  @Test
  void loadsFromTheClassPathAndFoldersAlike() throws IOException {
    try (Engine engine = Engine.float32();
        LanguageModel model = Austen.load(engine);
        LanguageModel copy =
            Checkpoint.open(Austen.copyTo(folder.resolve("austen")))
                .load(engine, LoadOptions.DEFAULT)) {
      assertThat(model.config().parameters()).isEqualTo(3_738_112);
      assertThat(bitsPerByte(copy, UNSEEN)).isEqualTo(bitsPerByte(model, UNSEEN));
    }
  }

  @Test
  void hasLearntEnglish() {
    try (Engine engine = Engine.float32();
        LanguageModel model = Austen.load(engine)) {
      String reversed = new StringBuilder(UNSEEN).reverse().toString();
      assertThat(bitsPerByte(model, UNSEEN)).as("bits per byte").isBetween(1.0, 2.2);
      assertThat(bitsPerByte(model, reversed)).as("of no language").isGreaterThan(4);
    }
  }

  @Test
  void itsCardNamesItsWeights() throws IOException, NoSuchAlgorithmException {
    Path model = Austen.copyTo(folder);
    byte[] weights = Files.readAllBytes(model.resolve("model.safetensors"));
    String sha256 = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(weights));
    assertThat(Files.readString(model.resolve("README.md"))).contains(sha256);
  }

  @Test
  void filesOfOthersAreNotReplaced() throws IOException {
    Files.writeString(folder.resolve("README.md"), "mine");
    assertThatThrownBy(() -> Austen.copyTo(folder)).isInstanceOf(FileAlreadyExistsException.class);
    assertThat(folder.resolve("README.md")).hasContent("mine");
    assertThat(folder.resolve("model.safetensors")).doesNotExist();
  }

  private static double bitsPerByte(LanguageModel model, String text) {
    int[] tokens = Austen.tokenizer().encode(text);
    try (Session session = model.newSession()) {
      Scorer scorer = new Scorer(session);
      scorer.accept(tokens, loss -> {});
      return scorer.meanLoss() / Math.log(2);
    }
  }
}
