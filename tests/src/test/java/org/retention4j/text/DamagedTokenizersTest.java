package org.retention4j.text;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Seeded damage to tokenizer files: each is refused by name or serves texts, and none ends the
 * virtual machine, as the native library does at what it does not expect. The files are read by a
 * machine of their own, so that a failure shows its seed.
 */
class DamagedTokenizersTest {
  private static final int FILES = 2000;

  private static final List<String> TEXTS =
      List.of(
          "",
          "hello w",
          " a  b\n",
          "é你好 😀👩‍👩‍👧 ﬁ½",
          "a\0b\uFFFD",
          "<s></s><|end|><|endoftext|>[CLS]<mask>",
          "x   y\t\t z\u3000\u00a0",
          "\u0301e\u0301\u0345İß①",
          "12 345, don't!",
          "<0x41>▁hi▁yo##s");

  @TempDir private Path folder;

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void areRefusedOrServeTexts() throws Exception {
    Path output = folder.resolve("output");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx512m",
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + folder.resolve("crash"),
                "-cp",
                System.getProperty("java.class.path"),
                Reader.class.getName(),
                folder.toString(),
                "0",
                Integer.toString(FILES))
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      int code = process.waitFor();
      List<String> lines = Files.readAllLines(output);
      List<String> last = lines.subList(Math.max(0, lines.size() - 20), lines.size());
      assertThat(code).as("exit code, after %s", String.join("\n", last)).isZero();
      int served = Integer.parseInt(lines.get(lines.size() - 1));
      // Both kinds are among them.
      assertThat(served).isBetween(FILES / 10, FILES / 2);
    } finally {
      process.destroyForcibly();
    }
  }

  /** Reads damaged files, of the seeds from the second argument on, and says before which it is. */
  static final class Reader {
    private Reader() {}

    public static void main(String[] args) throws IOException {
      long first = Long.parseLong(args[1]);
      int count = Integer.parseInt(args[2]);
      List<Path> whole = TokenizerFiles.all();
      Path file = Path.of(args[0], "damaged.json");
      int served = 0;
      for (long seed = first; seed < first + count; seed++) {
        SplittableRandom random = new SplittableRandom(~seed);
        Path chosen = whole.get(random.nextInt(whole.size()));
        TokenizerDamage damage = new TokenizerDamage(seed);
        Files.write(file, damage.damaged(Files.readAllBytes(chosen)));
        System.out.println("seed " + seed + ": " + chosen.getFileName() + ": " + damage.told());
        if (serves(file, damage.texts(), random)) {
          served++;
        }
      }
      System.out.println(served);
    }

    private static boolean serves(Path file, List<String> own, SplittableRandom random) {
      try (JsonTokenizer tokenizer = JsonTokenizer.open(file, 1 << 24, random.nextBoolean())) {
        TEXTS.forEach(text -> serve(tokenizer, text, file));
        for (int i = 0; i < 5; i++) {
          String mixed = own.get(random.nextInt(own.size())) + TEXTS.get(random.nextInt(10));
          serve(tokenizer, mixed + own.get(random.nextInt(own.size())), file);
          int most = random.nextInt(3) == 0 ? Integer.MAX_VALUE : 300;
          tokenizer.decode(random.ints(random.nextInt(10), 0, most).toArray());
        }
        return true;
      } catch (IllegalArgumentException e) {
        requireName(e, file);
        return false;
      }
    }

    private static void serve(Tokenizer tokenizer, String text, Path file) {
      try {
        tokenizer.decode(tokenizer.encode(text));
      } catch (IllegalArgumentException e) {
        requireName(e, file);
      }
    }

    private static void requireName(IllegalArgumentException e, Path file) {
      if (!e.getMessage().contains(file.toString()) || e.getMessage().lines().count() != 1) {
        throw new AssertionError("expected one line that names the file", e);
      }
    }
  }
}
