package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.retention4j.cli.jvm.Arguments;

/** Words of the command line that the locale cannot read. */
class ArgumentsTest {
  /** Returns what Linux says of a process, from what is in its words, a byte a letter. */
  private static byte[] process(String... words) {
    return (String.join("\0", words) + "\0").getBytes(StandardCharsets.ISO_8859_1);
  }

  private static void right(Charset encoding, byte[] process, String... args) {
    assertThat(Arguments.fault(args, process, encoding)).isEmpty();
  }

  private static void wrong(String what, Charset encoding, byte[] process, String... args) {
    assertThat(Arguments.fault(args, process, encoding))
        .hasValueSatisfying(fault -> assertThat(fault).contains(what, "LC_ALL=C.UTF-8"));
  }

  @Test
  void bytesOfTheEncodingAreRight() {
    byte[] process = process("java", "-jar", "x.jar", "generate", "--prompt", "\u00c3\u00a9?");
    right(StandardCharsets.UTF_8, process, "generate", "--prompt", "é?");
    byte[] latin = process("java", "generate", "--prompt", "\u00e9");
    right(StandardCharsets.ISO_8859_1, latin, "generate", "--prompt", "é");
    right(StandardCharsets.US_ASCII, process("java", "--prompt", "?", ""), "--prompt", "?", "");
    // A replacement character that somebody has written.
    right(StandardCharsets.UTF_8, process("java", "\u00ef\u00bf\u00bd"), "\ufffd");
  }

  @Test
  void otherBytesAreNamed() {
    byte[] process = process("java", "-jar", "x.jar", "generate", "--prompt", "\u00c3\u00a9", "-V");
    // On JDK 17 each byte becomes a question mark.
    wrong("word 3", StandardCharsets.US_ASCII, process, "generate", "--prompt", "??", "-V");
    byte[] latin = process("java", "generate", "--prompt", "\u00e9");
    wrong("word 3", StandardCharsets.UTF_8, latin, "generate", "--prompt", "\ufffd");
    // Options of Java before are none of ours.
    right(StandardCharsets.US_ASCII, process("java", "-Dx=\u00e9", "a", "b"), "a", "b");
  }

  @Test
  void whereTheBytesAreNotToBeHadAReplacementIsAFault() {
    wrong("word 1", StandardCharsets.UTF_8, new byte[0], "a\ufffd");
    right(StandardCharsets.UTF_8, new byte[0], "a", "?");
  }
}
