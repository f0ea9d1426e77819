package org.retention4j.bench.suite;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SampleTextTest {
  @Test
  void shipsAText() {
    SampleText text = SampleText.read(null);
    assertThat(text.length()).isGreaterThan(2000);
    assertThat(text.coverage(512)).contains("first 512 bytes");
    assertThat(text.coverage(8192)).contains("repeated");
  }

  @Test
  void repeatsWhatIsShort(@TempDir Path folder) throws IOException {
    Path file = Files.write(folder.resolve("t"), new byte[] {1, (byte) 200});
    SampleText text = SampleText.read(file);
    assertThat(text.token(0)).isEqualTo(1);
    assertThat(text.token(3)).isEqualTo(200);
    float[][] table = SampleText.embedding(3, 9);
    assertThat(SampleText.embedding(3, 9)[200]).containsExactly(table[200]);
    assertThat(text.embed(table, 5).shape()).containsExactly(1, 5, 3);
    assertThat(text.embed(table, 5).getFloat(0, 3, 2)).isEqualTo(table[200][2]);
    assertThat(text.coverage(5)).contains("repeated 2.5 times");
  }

  @Test
  void refusesWhatIsMissingOrEmpty(@TempDir Path folder) throws IOException {
    Path missing = folder.resolve("missing");
    assertThatThrownBy(() -> SampleText.read(missing))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected a readable text file")
        .hasMessageContaining(missing.toString());
    Path empty = Files.createFile(folder.resolve("empty"));
    assertThatThrownBy(() -> SampleText.read(empty))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 1 byte");
    assertThatThrownBy(() -> SampleText.read(folder)).isInstanceOf(IllegalArgumentException.class);
  }
}
