package org.retention4j.checkpoint.internal.family;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.forms.Npy;

/** Seeded damage to configurations: refused with the reader's own exception, or read. */
class DamagedConfigTest {
  private static final int FILES = 3_000;

  private static final String[] PIECES = {
    "-",
    "0",
    "00000",
    "99999",
    "999999999",
    ".5",
    "e9",
    "e300",
    "null",
    "true",
    "\"\"",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    "[1]",
    "{\"layers\":[0]}",
    "\\u0000",
    "2147483647",
    "9223372036854775808"
  };

  @TempDir private Path folder;

  private static String damaged(String json, SplittableRandom random) {
    String piece = PIECES[random.nextInt(PIECES.length)];
    int at = random.nextInt(json.length());
    if (random.nextInt(3) > 0) {
      // A whole value, and nothing but the value.
      at = json.indexOf(':', at) < 0 ? json.indexOf(':') + 1 : json.indexOf(':', at) + 1;
      int end = at;
      while (end < json.length() && json.charAt(end) != ',' && json.charAt(end) != '\n') {
        end++;
      }
      return json.substring(0, at) + piece + json.substring(end);
    }
    int replaced = Math.min(random.nextInt(3), json.length() - at);
    return json.substring(0, at) + piece + json.substring(at + replaced);
  }

  @ParameterizedTest
  @ValueSource(strings = {"fla-f32", "fla-hybrid", "torchscale-f32"})
  @Timeout(value = 2, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void damageIsRefusedWithTheReadersOwnException(String golden) throws IOException {
    SplittableRandom random = new SplittableRandom(20_260_102);
    String whole = Files.readString(Npy.path("/golden/model/" + golden).resolve("config.json"));
    Path file = folder.resolve("config.json");
    int refused = 0;
    for (int i = 0; i < FILES; i++) {
      String json = damaged(whole, random);
      Files.write(file, json.getBytes(StandardCharsets.UTF_8));
      try {
        Checkpoint checkpoint = Checkpoint.open(folder);
        assertThat(checkpoint.config().parameters()).isPositive();
        assertThat(checkpoint.beginToken()).isNotNull();
      } catch (CheckpointException e) {
        refused++;
      } catch (RuntimeException | Error e) {
        fail("file " + i + ": " + json, e);
      }
    }
    assertThat(refused).isBetween(FILES / 4, FILES - 100);
  }
}
