package org.retention4j.checkpoint.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.retention4j.checkpoint.format.SafetensorsBytes.entry;
import static org.retention4j.checkpoint.format.SafetensorsBytes.file;
import static org.retention4j.checkpoint.format.SafetensorsBytes.write;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.engine.ops.MatrixSource;

/** Every rule of the format, each broken once, and what a good file gives. */
class SafetensorsFileTest {
  private static final byte[] NONE = {};

  @TempDir private Path folder;

  private SafetensorsFile open(byte[] content) {
    return SafetensorsFile.open(write(folder.resolve("x.safetensors"), content));
  }

  static Stream<Arguments> damaged() {
    byte[] eight = new byte[8];
    String a = entry("a", "F32", "[2]", 0, 8);
    return Stream.of(
        Arguments.of("at least 8 bytes", new byte[7]),
        Arguments.of("at most 100,000,000 bytes", file(100_000_001, NONE, NONE)),
        Arguments.of("truncated within the header", file(100_000_000, NONE, NONE)),
        Arguments.of("18446744073709551615", file(-1, NONE, NONE)),
        Arguments.of("truncated", file(100, "{}".getBytes(StandardCharsets.UTF_8), NONE)),
        Arguments.of("begin with {, got nothing", file("", NONE)),
        Arguments.of("begin with {, got ' '", file(" {}", NONE)),
        Arguments.of("UTF-8", file(4, new byte[] {'{', '"', (byte) 0xff, '}'}, NONE)),
        Arguments.of("JSON", file("{\"a\":", NONE)),
        // A length that is one too large: a byte of the data is read as a part of the header.
        Arguments.of("got character 0xc3 behind it; its length", longer((byte) 0xc3)),
        Arguments.of("got character 0x00 behind it; its length", longer((byte) 0)),
        Arguments.of("got character 0x7f behind it; its length", longer((byte) 0x7f)),
        Arguments.of("got 'x' behind it; its length", longer((byte) 'x')),
        Arguments.of("got '{' behind it; its length may be wrong", file("{}{}", NONE)),
        Arguments.of(" twice", file("{" + a + "," + a + "}", eight)),
        Arguments.of(
            " twice", file("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\",\"shape\":[2]}}", eight)),
        // The same name, written in two ways.
        Arguments.of(" twice", file("{\"\\u0061\":" + a.substring(4) + "," + a + "}", eight)),
        Arguments.of(
            " twice",
            file("{\"a\":{\"dtype\":\"F32\",\"d\\u0074ype\":\"F32\",\"shape\":[2]}}", eight)),
        Arguments.of(
            " twice", file("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}," + a + "}", eight)),
        Arguments.of(" twice", file("{\"__metadata__\":{\"k\":\"1\",\"\\u006b\":\"1\"}}", NONE)),
        Arguments.of(
            " twice", file("{\"__metadata__\":{}," + a + ",\"\\u005f_metadata__\":{}}", eight)),
        Arguments.of(
            "an object under __metadata__, got a list", file("{\"__metadata__\":[]}", NONE)),
        Arguments.of(
            "texts under __metadata__, got a number", file("{\"__metadata__\":{\"k\":1}}", NONE)),
        Arguments.of("an object for tensor a, got a number", file("{\"a\":3.5}", NONE)),
        Arguments.of("an object for tensor a, got a text", file("{\"a\":\"F32\"}", NONE)),
        Arguments.of("an object for tensor a, got true", file("{\"a\":true}", NONE)),
        Arguments.of("an object for tensor a, got null", file("{\"a\":null}", NONE)),
        Arguments.of(
            "dtype, shape and two data_offsets",
            file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2]}}", eight)),
        Arguments.of(
            "dtype, shape and two data_offsets",
            file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8,8]}}", eight)),
        Arguments.of(
            "got strides",
            file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"strides\":[1]}}", eight)),
        Arguments.of("a dtype of", file("{" + entry("a", "F8_E4M3", "[8]", 0, 8) + "}", eight)),
        Arguments.of(
            "a text as dtype of tensor a, got an object", file("{\"a\":{\"dtype\":{}}}", eight)),
        Arguments.of(
            "a list as shape of a, got a number",
            file("{" + entry("a", "U8", "8", 0, 8) + "}", eight)),
        Arguments.of("integers in", file("{" + entry("a", "F32", "[2.0]", 0, 8) + "}", eight)),
        Arguments.of("integers in", file("{" + entry("a", "F32", "[-2]", 0, 8) + "}", eight)),
        Arguments.of(
            "integers in",
            file("{" + entry("a", "F32", "[99999999999999999999]", 0, 8) + "}", eight)),
        Arguments.of(
            "less than 2^63 bytes",
            file("{" + entry("a", "F32", "[4294967296,4294967296]", 0, 8) + "}", eight)),
        Arguments.of("expected 12 bytes", file("{" + entry("a", "F32", "[3]", 0, 8) + "}", eight)),
        Arguments.of(
            "truncated, 4 bytes are missing",
            file("{" + entry("a", "F32", "[3]", 0, 12) + "}", eight)),
        Arguments.of(
            "the second is not the smaller",
            file("{\"a\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[5,4]}}", eight)),
        Arguments.of(
            "[0, 8] for both a and b",
            file("{" + a + "," + entry("b", "F32", "[2]", 0, 8) + "}", eight)),
        Arguments.of(
            "[4, 8] for both b and a",
            file(
                "{" + entry("b", "F32", "[1]", 4, 8) + "," + entry("a", "F32", "[1]", 4, 8) + "}",
                eight)),
        Arguments.of("overlap", file("{" + a + "," + entry("b", "F32", "[1]", 4, 8) + "}", eight)),
        Arguments.of("leave a hole", file("{" + entry("a", "F32", "[1]", 4, 8) + "}", eight)),
        Arguments.of(
            "too long by 4 bytes", file("{" + entry("a", "F32", "[1]", 0, 4) + "}", eight)));
  }

  private static byte[] longer(byte data) {
    byte[] header =
        ("{" + entry("a\u00e9", "U8", "[8]", 0, 8) + "}").getBytes(StandardCharsets.UTF_8);
    byte[] eight = new byte[8];
    eight[0] = data;
    return file(header.length + 1, header, eight);
  }

  @ParameterizedTest
  @MethodSource("damaged")
  void refusesWhatBreaksARule(String message, byte[] content) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> open(content))
        .withMessageContaining(message)
        .withMessageContaining("x.safetensors");
  }

  @Test
  void refusesWhatIsNoFile() {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(folder.resolve("x")))
        .withMessageEndingWith("x, got none");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(folder))
        .withMessageEndingWith(", got a folder");
  }

  @Test
  @EnabledOnOs({OS.LINUX, OS.MAC})
  void refusesADevice() {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> SafetensorsFile.open(Path.of("/dev/null")))
        .withMessageContaining("a device or a pipe");
  }

  /** All types, unaligned, in another order than their data; sizes of 0 and rank 0. */
  @Test
  void readsEveryType() {
    ByteBuffer data = ByteBuffer.allocate(42).order(ByteOrder.LITTLE_ENDIAN);
    data.put((byte) 1).putDouble(Math.PI).putFloat(-1.5f).putFloat(0x1.fffffep127f);
    data.putShort((short) 0x3c01).putShort((short) 0x8001);
    data.putShort((short) 0x3f81).putShort((short) 0xff80);
    data.putLong(5).putInt(6).put((byte) 7);
    String header =
        "{"
            + String.join(
                ",",
                entry("bf16", "BF16", "[1,2]", 21, 25),
                entry("bool", "BOOL", "[1]", 0, 1),
                entry("f64", "F64", "[]", 1, 9),
                entry("f32", "F32", "[2]", 9, 17),
                entry("f16", "F16", "[2]", 17, 21),
                entry("i64", "I64", "[1]", 25, 33),
                entry("i32", "I32", "[1]", 33, 37),
                entry("u8", "U8", "[1]", 37, 38),
                entry("none", "F32", "[3,0]", 38, 38),
                entry("nor this", "F32", "[0]", 38, 38),
                "\"__metadata__\":{\"format\":\"pt\"}")
            + "}   ";
    try (SafetensorsFile f = open(file(header, Arrays.copyOf(data.array(), 38)))) {
      assertThat(f.metadata()).containsExactlyEntriesOf(java.util.Map.of("format", "pt"));
      assertThat(f.tensors().keySet()).startsWith("bool", "f64", "f32", "f16", "bf16");
      assertThat(f.tensors().get("none").shape()).isEqualTo(List.of(3L, 0L));
      assertThat(f.tensors().get("f64").shape()).isEmpty();
      double[] wide = new double[2];
      f.read(f.tensors().get("f64"), 0, 1, wide);
      assertThat(wide[0]).isEqualTo(Math.PI);
      f.read(f.tensors().get("f32"), 0, 2, wide);
      assertThat(wide).containsExactly(-1.5, 0x1.fffffep127);
      f.read(f.tensors().get("f16"), 0, 2, wide);
      assertThat(wide).containsExactly(1 + 0x1p-10, -0x1p-24);
      f.read(f.tensors().get("bf16"), 0, 2, wide);
      assertThat(wide).containsExactly(1 + 0x1p-7, Double.NEGATIVE_INFINITY);
      float[] narrow = new float[1];
      f.read(f.tensors().get("f32"), 1, 1, narrow);
      assertThat(narrow[0]).isEqualTo(0x1.fffffep127f);
      f.read(f.tensors().get("f64"), 0, 1, narrow);
      assertThat(narrow[0]).isEqualTo((float) Math.PI);
      f.read(f.tensors().get("f16"), 0, 1, narrow);
      assertThat(narrow[0]).isEqualTo(1 + 0x1p-10f);
      f.read(f.tensors().get("bf16"), 0, 1, narrow);
      assertThat(narrow[0]).isEqualTo(1 + 0x1p-7f);
      f.read(f.tensors().get("none"), 0, 0, narrow);
      f.readBytes(f.tensors().get("none"), 0, NONE, 0);
      for (Runnable reading :
          new Runnable[] {
            () -> f.read(f.tensors().get("i64"), 0, 1, wide),
            () -> f.read(f.tensors().get("i64"), 0, 1, narrow)
          }) {
        assertThatExceptionOfType(CheckpointException.class)
            .isThrownBy(reading::run)
            .withMessageContaining("I64");
      }
      assertThatThrownBy(() -> f.read(f.tensors().get("f32"), 1, 2, wide))
          .isInstanceOf(IllegalArgumentException.class);
      byte[] raw = new byte[4];
      f.readBytes(f.tensors().get("i32"), 0, raw, 4);
      assertThat(raw).containsExactly(6, 0, 0, 0);
    }
  }

  /** A row beyond 2 GiB, and one that lies across the first GiB. */
  @Test
  void readsFilesLargerThanTwoGigabytes() throws IOException {
    long rows = 700_000;
    int columns = 1000;
    long bytes = 4 * rows * columns;
    byte[] header =
        ("{" + entry("w", "F32", "[" + rows + "," + columns + "]", 0, bytes) + "}")
            .getBytes(StandardCharsets.UTF_8);
    Path path = folder.resolve("large.safetensors");
    long start = 8L + header.length;
    long across = ((1L << 30) - start) / 4 - 1;
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(start + bytes);
      file.write(file(header.length, header, NONE));
      for (long element : new long[] {across, across + 1, across + 2, rows * columns - 1}) {
        file.seek(start + 4 * element);
        file.writeInt(Integer.reverseBytes(Float.floatToIntBits(element % 1000 + 0.5f)));
      }
    }
    try (SafetensorsFile f = SafetensorsFile.open(path)) {
      float[] into = new float[4];
      f.read(f.tensors().get("w"), across - 1, 4, into);
      assertThat(into)
          .containsExactly(
              0, across % 1000 + 0.5f, (across + 1) % 1000 + 0.5f, (across + 2) % 1000 + 0.5f);
      f.read(f.tensors().get("w"), rows * columns - 2, 2, into);
      assertThat(into[1]).isEqualTo(999.5f);
    }
  }

  /** Rows shorter and longer than what is read at a time, in every order. */
  @Test
  void readsAnyPartOfATensor() {
    int n = 300_000;
    ByteBuffer data = ByteBuffer.allocate(3 + 4 * n).order(ByteOrder.LITTLE_ENDIAN).position(3);
    for (int i = 0; i < n; i++) {
      data.putFloat(i);
    }
    String header =
        "{" + entry("a", "U8", "[3]", 0, 3) + "," + entry("w", "F32", "[" + n + "]", 3, 3 + 4 * n);
    try (SafetensorsFile f = open(file(header + "}", data.array()))) {
      TensorInfo w = f.tensors().get("w");
      SplittableRandom random = new SplittableRandom(1);
      for (int round = 0; round < 200; round++) {
        int count = random.nextInt(round % 10 == 0 ? n : 1000);
        int from = random.nextInt(n - count + 1);
        double[] expected = IntStream.range(from, from + count).asDoubleStream().toArray();
        double[] wide = new double[count];
        f.read(w, from, count, wide);
        assertThat(wide).isEqualTo(expected);
        float[] narrow = new float[count];
        f.read(w, from, count, narrow);
        assertThat(IntStream.range(0, count).mapToDouble(i -> narrow[i]).toArray())
            .isEqualTo(expected);
        byte[] raw = new byte[4 * count];
        f.readBytes(w, 4L * from, raw, raw.length);
        assertThat(raw)
            .isEqualTo(Arrays.copyOfRange(data.array(), 3 + 4 * from, 3 + 4 * (from + count)));
      }
      for (long[] bad : new long[][] {{-1, 1}, {n, 1}, {0, n + 1L}, {Long.MAX_VALUE, 1}, {0, -1}}) {
        assertThatThrownBy(() -> f.read(w, bad[0], (int) bad[1], new float[n + 1]))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("in 0..300000 of w, got " + bad[0] + "..");
      }
      assertThatThrownBy(() -> f.read(w, n - 1, 2, new float[2])).hasMessageEndingWith("..300001");
    }
  }

  /** Bits of BF16 as they are; of wider types, rounded to the nearest. */
  @Test
  void readsRowsAsBfloat16() {
    ByteBuffer data = ByteBuffer.allocate(24).order(ByteOrder.LITTLE_ENDIAN);
    for (int bits : new int[] {0x3f80, 0xff80, 0x7fc1, 0x0001}) {
      data.putShort((short) bits);
    }
    data.putFloat(1 + 0x1p-7f).putFloat(1 + 0x1p-9f).putFloat(-2).putFloat(1 + 0x1.8p-8f);
    String header =
        "{" + entry("narrow", "BF16", "[2,2]", 0, 8) + "," + entry("wide", "F32", "[2,2]", 8, 24);
    write(folder.resolve("model.safetensors"), file(header + "}", data.array()));
    try (CheckpointFiles files = CheckpointFiles.open(folder)) {
      short[] bits = new short[2];
      files.matrix("narrow", 2, 2).readBfloat16(1, new float[2], bits);
      assertThat(bits).containsExactly((short) 0x7fc1, (short) 1);
      MatrixSource wide = files.matrix("wide", 2, 2);
      wide.readBfloat16(0, new float[2], bits);
      assertThat(bits).containsExactly((short) 0x3f81, (short) 0x3f80);
      wide.readBfloat16(1, new float[2], bits);
      assertThat(bits).containsExactly((short) 0xc000, (short) 0x3f81);
    }
  }

  /** Of what shards say differently, the first's word. */
  @Test
  void metadataAreThoseOfAllShards() {
    String one = "{\"__metadata__\":{\"format\":\"pt\",\"by\":\"x\"},";
    String two = "{\"__metadata__\":{\"format\":\"np\",\"at\":\"y\"},";
    write(folder.resolve("1.safetensors"), file(one + entry("a", "U8", "[0]", 0, 0) + "}", NONE));
    write(folder.resolve("2.safetensors"), file(two + entry("b", "U8", "[0]", 0, 0) + "}", NONE));
    String index = "{\"weight_map\":{\"b\":\"2.safetensors\",\"a\":\"1.safetensors\"}}";
    write(folder.resolve("model.safetensors.index.json"), index.getBytes(StandardCharsets.UTF_8));
    try (CheckpointFiles files = CheckpointFiles.open(folder)) {
      assertThat(files.metadata())
          .isEqualTo(java.util.Map.of("format", "pt", "by", "x", "at", "y"));
      assertThat(files.names()).containsExactlyInAnyOrder("a", "b");
    }
  }

  @Test
  void saysThatItIsClosed() {
    SafetensorsFile f = open(file("{" + entry("a", "F32", "[2]", 0, 8) + "}", new byte[8]));
    f.close();
    f.close();
    assertThatThrownBy(() -> f.read(f.tensors().get("a"), 0, 1, new float[1]))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }
}
