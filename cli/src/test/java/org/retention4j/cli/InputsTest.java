package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.retention4j.cli.Commands.golden;
import static org.retention4j.cli.Commands.ok;
import static org.retention4j.cli.Commands.run;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.checkpoint.format.NpyFile;
import org.retention4j.cli.Commands.Result;

/** Texts and arrays are the same from a file, a pipe and standard input. */
class InputsTest {
  private static final String TEXT = "SOME TEXT OF BYTES\n";
  private static final byte[] MARK = {(byte) 0xef, (byte) 0xbb, (byte) 0xbf};

  @TempDir private Path folder;

  /** Standard input that a command must leave open. */
  private static final class Input extends ByteArrayInputStream {
    private boolean closed;

    Input(byte[] bytes) {
      super(bytes);
    }

    @Override
    public void close() {
      closed = true;
    }
  }

  private static Result withInput(byte[] bytes, String line) {
    InputStream before = System.in;
    Input input = new Input(bytes);
    try {
      System.setIn(input);
      return run(line);
    } finally {
      System.setIn(before);
      assertThat(input.closed).isFalse();
    }
  }

  private Path file(byte[]... parts) throws IOException {
    Path file = folder.resolve("file");
    Files.deleteIfExists(file);
    try (var out = Files.newOutputStream(file)) {
      for (byte[] part : parts) {
        out.write(part);
      }
    }
    return file;
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static String right(Result result) {
    assertThat(result.code()).as(result.errors()).isZero();
    // How long it took is told on standard error.
    return result.out();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "perplexity --tokens --model M INPUT",
        "perplexity --model H INPUT",
        "perplexity --lines --tokens --model M INPUT",
        "verify --model M --tokens 5 --text INPUT"
      })
  void standardInputIsAText(String command) throws IOException {
    String line = command.replace("M", golden("fla-f32")).replace("H", golden("fla-hybrid"));
    String expected = right(run(line.replace("INPUT", file(bytes(TEXT)).toString())));
    assertThat(expected).isNotEmpty();
    for (String name : List.of("-", "/dev/stdin", "/dev/fd/0")) {
      assertThat(right(withInput(bytes(TEXT), line.replace("INPUT", name)))).isEqualTo(expected);
    }
    assertThat(right(run(line.replace("INPUT", file(MARK, bytes(TEXT)).toString()))))
        .isEqualTo(expected);
  }

  @Test
  void aByteOrderMarkIsNoPartOfAPrompt() {
    String line = "generate --max-tokens 1 --logprobs --prompt - --model " + golden("fla-f32");
    Result plain = withInput(bytes(TEXT), line);
    byte[] marked = bytes("\uFEFF" + TEXT);
    assertThat(right(withInput(marked, line))).isEqualTo(right(plain));
  }

  /** By a shell's {@code <(...)} and by mkfifo, through a process of its own. */
  @Test
  void aPipeIsATextAndAnArray() throws Exception {
    Path text = file(bytes(TEXT));
    String model = Path.of(golden("fla-f32")).toAbsolutePath().toString();
    String script =
        "mkfifo \"$2/pipe\" && cat \"$3\" >\"$2/pipe\" & i=0\n"
            + "while ! [ -p \"$2/pipe\" ]; do sleep 0.05; done\n"
            + "\"$0\" -Dretention.relaunch=false -jar \"$1\" perplexity --model \"$4\" \"$2/pipe\"";
    Path jar = Processes.jar(folder.resolve("retention.jar"));
    List<String> command = new ArrayList<>(List.of("sh", "-c", script));
    command.addAll(List.of(Processes.JAVA.toString(), jar.toString(), folder.toString()));
    command.addAll(List.of(text.toString(), model));
    Processes.Outcome outcome = Processes.run(Map.of(), command);
    assertThat(outcome.code()).as(outcome.errors()).isZero();
    String scored = ok("perplexity --model " + model + " " + text).out();
    assertThat(outcome.out()).startsWith(scored.substring(0, scored.indexOf(" nats")));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "- | perplexity --model M - | at least 2 tokens, got 0 in standard input",
        "ff | perplexity --model M - | UTF-8 in standard input",
        "- | perplexity --lines --model M - | at least 2 tokens, got 0 lines of fewer in standard input",
        "ff | perplexity --lines --model M - | UTF-8 in standard input",
        "ff | verify --model M --text - | UTF-8 in standard input",
        "- | verify --model M --text - | at least 1 token",
        "01 | logits --model M --ids - --out F/y.npy | a .npy file, got something else in standard"
      })
  void whatIsWrongWithStandardInputIsTold(String hex, String line, String message) {
    byte[] bytes = HexFormat.of().parseHex(hex.replace("-", ""));
    Result result =
        withInput(bytes, line.replace("M", golden("fla-f32")).replace("F/", folder + "/"));
    assertThat(result.code()).isEqualTo(Main.BAD_INPUT);
    assertThat(result.errors()).contains(message);
    assertThat(result.errors().strip().lines()).hasSize(1);
  }

  private static byte[] npy(String descr, boolean fortran, String data) {
    String header =
        String.format(
            "{'descr': '%s', 'fortran_order': %s, 'shape': (2, 3), }",
            descr, fortran ? "True" : "False");
    byte[] text = bytes(String.format("%-117s\n", header));
    byte[] elements = HexFormat.of().parseHex(data);
    byte[] all = new byte[10 + text.length + elements.length];
    System.arraycopy(HexFormat.of().parseHex("934e554d505901007600"), 0, all, 0, 10);
    System.arraycopy(text, 0, all, 10, text.length);
    System.arraycopy(elements, 0, all, 10 + text.length, elements.length);
    return all;
  }

  /** [[3, 96, 1], [2, 0, 5]], however it is written. */
  @ParameterizedTest
  @CsvSource({
    "u1, false, 036001020005",
    "u1, true, 030260000105",
    ">i2, false, 000300600001000200000005",
    "<u2, true, 030002006000000001000500"
  })
  void tokenIdsAreIntegersOfAnyKind(String type, boolean fortran, String data) throws IOException {
    String start = "logits --force --model " + golden("fla-f32") + " --out " + folder + "/y.npy";
    byte[] wide =
        npy(
            "<i8",
            false,
            "0300000000000000600000000000000001000000000000000200000000000000"
                + "00000000000000000500000000000000");
    ok(start + " --ids " + file(wide));
    double[] expected = NpyFile.read(folder.resolve("y.npy")).floats();
    byte[] narrow = npy(type.length() == 2 ? "|" + type : type, fortran, data);
    ok(start + " --ids " + file(narrow));
    assertThat(NpyFile.read(folder.resolve("y.npy")).floats()).containsExactly(expected);
    right(withInput(narrow, start + " --ids -"));
    assertThat(NpyFile.read(folder.resolve("y.npy")).floats()).containsExactly(expected);
  }
}
