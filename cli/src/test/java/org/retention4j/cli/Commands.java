package org.retention4j.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.retention4j.checkpoint.format.NpyFile;

/** Runs the command as its users type it. */
final class Commands {
  static final Path GOLDEN = Path.of("../tests/src/test/resources/golden/model");

  /** Byte-level BPE: 0..255 the bytes, 256 "he", 257 "ll", 258 "hell", 259 "hello", 260 " w". */
  static final Path TOKENIZER = Path.of("../tests/src/test/resources/tokenizers/byte-level.json");

  private Commands() {}

  /** What a command left behind. */
  record Result(int code, String out, String errors) {}

  static Result run(String... args) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    StringWriter errors = new StringWriter();
    PrintStream stream = new PrintStream(out, true, StandardCharsets.UTF_8);
    int code = Main.execute(args, stream, new PrintWriter(errors, true));
    return new Result(code, out.toString(StandardCharsets.UTF_8), errors.toString());
  }

  /** Runs words that hold no blanks themselves. */
  static Result run(String line) {
    return run(line.split(" "));
  }

  static Result ok(String... args) {
    Result result = run(args);
    assertThat(result.code()).as(result.errors()).isZero();
    return result;
  }

  static Result ok(String line) {
    return ok(line.split(" "));
  }

  /** Bad input: exit code 2, one line, no stack trace. */
  static void refuses(String line, String message) {
    Result result = run(line);
    assertThat(result.code()).as(line + ": " + result.errors()).isEqualTo(Main.BAD_INPUT);
    assertThat(result.errors().strip()).contains(message).doesNotContain("\tat ");
    assertThat(result.errors().strip().lines()).as(result.errors()).hasSize(1);
  }

  static String golden(String model) {
    return GOLDEN.resolve(model).toString();
  }

  /** Copies a golden model's files into a new folder. */
  static Path copyOf(String model, Path to) throws IOException {
    Files.createDirectory(to);
    for (String name : new String[] {"config.json", "model.safetensors"}) {
      Files.copy(GOLDEN.resolve(model).resolve(name), to.resolve(name));
    }
    return to;
  }

  /** Puts a NaN at the beginning of a tensor in fp32. */
  static void spoil(Path model, String tensor) throws IOException {
    Path file = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(file);
    int start = 8 + (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    String header = new String(bytes, 8, start - 8, StandardCharsets.UTF_8);
    String entry = header.substring(header.indexOf("\"" + tensor + "\""));
    String begin = entry.replaceFirst("(?s).*?\"data_offsets\"\\s*:\\s*\\[\\s*(\\d+).*", "$1");
    int at = start + Integer.parseInt(begin);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(at, Float.NaN);
    Files.write(file, bytes);
  }

  /** Writes token ids (1,T). */
  static Path ids(Path file, long... ids) throws IOException {
    ByteBuffer npy = ByteBuffer.allocate(128 + 8 * ids.length).order(ByteOrder.LITTLE_ENDIAN);
    npy.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0}).putShort((short) 118);
    String header = "{'descr': '<i8', 'fortran_order': False, 'shape': (1, " + ids.length + "), }";
    npy.put(
        (header + " ".repeat(117 - header.length()) + "\n").getBytes(StandardCharsets.US_ASCII));
    for (long id : ids) {
      npy.putLong(id);
    }
    return Files.write(file, npy.array());
  }

  /** Returns ‖a−b‖/‖b‖ of a part of two arrays. */
  static double error(NpyFile actual, NpyFile expected, int from, int count) {
    assertThat(actual.shape()).isEqualTo(expected.shape());
    double difference = 0;
    double size = 0;
    for (int i = from; i < from + count; i++) {
      difference += Math.pow(actual.floats()[i] - expected.floats()[i], 2);
      size += Math.pow(expected.floats()[i], 2);
    }
    return Math.sqrt(difference / size);
  }

  static double error(NpyFile actual, NpyFile expected) {
    return error(actual, expected, 0, expected.floats().length);
  }
}
