package org.retention4j.checkpoint.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** NumPy's files, byte by byte: what is read, what is refused, what is written. */
class NpyFileTest {
  /** What {@code numpy.save} of NumPy 2.4 puts before int64 of shape (2,3). */
  private static final String NUMPY =
      "934e554d5059010076007b276465736372273a20273c6938272c2027666f727472616e5f6f72646572273a2046"
          + "616c73652c20277368617065273a2028322c2033292c207d"
          + "20".repeat(58)
          + "0a";

  @TempDir private Path folder;

  private static byte[] file(int version, String header, byte[] data) {
    int start = version == 1 ? 10 : 12;
    int length = (start + header.length() + 1 + 63) / 64 * 64 - start;
    ByteBuffer bytes =
        ByteBuffer.allocate(start + length + data.length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.put(new byte[] {(byte) 0x93, 'N', 'U', 'M', 'P', 'Y', (byte) version, 0});
    if (version == 1) {
      bytes.putShort((short) length);
    } else {
      bytes.putInt(length);
    }
    String padded = header + " ".repeat(length - 1 - header.length()) + "\n";
    return bytes.put(padded.getBytes(StandardCharsets.ISO_8859_1)).put(data).array();
  }

  private static String header(String descr, String order, String shape) {
    return String.format(
        "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }", descr, order, shape);
  }

  private static byte[] longs(long... values) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long value : values) {
      bytes.putLong(value);
    }
    return bytes.array();
  }

  private NpyFile read(byte[] content) {
    return NpyFile.read(SafetensorsBytes.write(folder.resolve("x.npy"), content));
  }

  private void refuses(byte[] content, String message) {
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> read(content))
        .withMessageContaining(message)
        .withMessageContaining("x.npy");
  }

  private static byte[] joined(byte[] a, byte[] b) {
    return ByteBuffer.allocate(a.length + b.length).put(a).put(b).array();
  }

  @Test
  void readsWhatNumpyWrites() {
    byte[] numpy = HexFormat.of().parseHex(NUMPY);
    NpyFile file = read(joined(numpy, longs(1, 2, 3, -4, Long.MAX_VALUE, 1L << 40)));
    assertThat(file.shape()).containsExactly(2, 3);
    assertThat(file.integers()).containsExactly(1, 2, 3, -4, Long.MAX_VALUE, 1L << 40);
    assertThat(file.holdsIntegers()).isTrue();
    assertThatIllegalStateException().isThrownBy(file::floats).withMessageContaining("integers");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3})
  void readsEveryVersion(int version) {
    NpyFile file = read(file(version, header("<i8", "False", "(1, 2)"), longs(7, -9)));
    assertThat(file.shape()).containsExactly(1, 2);
    assertThat(file.integers()).containsExactly(7, -9);
  }

  @Test
  void readsEveryType() {
    ByteBuffer bytes = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putInt(5).putInt(-6).putInt(Integer.MIN_VALUE).putInt(8);
    NpyFile ints = read(file(1, header("<i4", "False", "(4,)"), bytes.array()));
    assertThat(ints.shape()).containsExactly(4);
    assertThat(ints.integers()).containsExactly(5, -6, Integer.MIN_VALUE, 8);
    bytes.clear().putDouble(Math.PI).putDouble(Double.NEGATIVE_INFINITY);
    NpyFile doubles = read(file(1, header("<f8", "False", "(2,)"), bytes.array()));
    assertThat(doubles.floats()).containsExactly(Math.PI, Double.NEGATIVE_INFINITY);
    assertThat(doubles.holdsIntegers()).isFalse();
    assertThatIllegalStateException().isThrownBy(doubles::integers).withMessageContaining("floats");
    bytes.clear().putFloat(0.1f).putFloat(-1e30f).putFloat(Float.NaN).putFloat(0);
    NpyFile floats = read(file(1, header("<f4", "False", "(2, 2, 1)"), bytes.array()));
    assertThat(floats.shape()).containsExactly(2, 2, 1);
    assertThat(floats.floats()).containsExactly(0.1f, -1e30f, Double.NaN, 0);
  }

  @Test
  void readsSingleNumbersAndNone() {
    assertThat(read(file(1, header("<i8", "False", "()"), longs(3))).integers()).containsExactly(3);
    NpyFile none = read(file(1, header("<i8", "False", "(0, 5)"), new byte[0]));
    assertThat(none.shape()).containsExactly(0, 5);
    assertThat(none.integers()).isEmpty();
  }

  /** Keys in another order, without blanks: legal as well. */
  @Test
  void readsHeadersThatOthersWrite() {
    String header = "{'shape':(2,),'fortran_order':False,'descr':'<i8'}";
    assertThat(read(file(1, header, longs(4, 5))).integers()).containsExactly(4, 5);
  }

  /** Elements as NumPy 2.4 lays them out, of shape (2,3). */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "|i1 | 03ff7f800060 | 0380ff007f60 | 3 -1 127 -128 0 96",
        "|u1 | 03ff7f800060 | 0380ff007f60 | 3 255 127 128 0 96",
        "<i2 | 0300feffff7f008000016000 | 03000080feff0001ff7f6000 | 3 -2 32767 -32768 256 96",
        ">i2 | 0003fffe7fff800001000060 | 00038000fffe01007fff0060 | 3 -2 32767 -32768 256 96",
        "<u2 | 0300ffff0001010000006000 | 03000100ffff000000016000 | 3 65535 256 1 0 96",
        ">u2 | 0003ffff0100000100000060 | 00030001ffff000001000060 | 3 65535 256 1 0 96",
        ">i4 | 00000003fffffffe00010000800000000000000000000060"
            + " | 0000000380000000fffffffe000000000001000000000060 | 3 -2 65536 -2147483648 0 96",
        "<u4 | 03000000ffffffff00000100010000000000000060000000"
            + " | 0300000001000000ffffffff000000000000010060000000 | 3 4294967295 65536 1 0 96",
        ">u4 | 00000003ffffffff00010000000000010000000000000060"
            + " | 0000000300000001ffffffff000000000001000000000060 | 3 4294967295 65536 1 0 96",
        ">i8 | 0000000000000003fffffffffffffffe00000001000000000000000000000001"
            + "00000000000000000000000000000060 | 00000000000000030000000000000001"
            + "fffffffffffffffe000000000000000000000001000000000000000000000060"
            + " | 3 -2 4294967296 1 0 96",
        "<u8 | 0300000000000000ffffffffffffff7f00000000010000000100000000000000"
            + "00000000000000006000000000000000 | 03000000000000000100000000000000"
            + "ffffffffffffff7f000000000000000000000000010000006000000000000000"
            + " | 3 9223372036854775807 4294967296 1 0 96",
        ">u8 | 00000000000000037fffffffffffffff00000001000000000000000000000001"
            + "00000000000000000000000000000060 | 00000000000000030000000000000001"
            + "7fffffffffffffff000000000000000000000001000000000000000000000060"
            + " | 3 9223372036854775807 4294967296 1 0 96"
      })
  void readsIntegersOfEveryWidthAndOrder(String line) {
    String[] columns = line.split(" \\| ");
    long[] values =
        Pattern.compile(" ").splitAsStream(columns[3]).mapToLong(Long::parseLong).toArray();
    for (int i = 0; i < 2; i++) {
      String order = i == 0 ? "False" : "True";
      byte[] data = HexFormat.of().parseHex(columns[1 + i]);
      NpyFile file = read(file(1, header(columns[0], order, "(2, 3)"), data));
      assertThat(file.shape()).containsExactly(2, 3);
      assertThat(file.integers()).as(order).containsExactly(values);
      assertThat(file.holdsIntegers()).isTrue();
      assertThatIllegalStateException().isThrownBy(file::floats).withMessageContaining("integers");
    }
  }

  /** Bytes of {@code numpy.asfortranarray(numpy.arange(24).reshape(2, 3, 4))}. */
  @Test
  void readsFortranOrderOfAnyRank() {
    byte[] data = HexFormat.of().parseHex("000c04100814010d05110915020e06120a16030f07130b17");
    NpyFile cube = read(file(1, header("|u1", "True", "(2, 3, 4)"), data));
    assertThat(cube.shape()).containsExactly(2, 3, 4);
    assertThat(cube.integers()).containsExactly(LongStream.range(0, 24).toArray());
    assertThat(read(file(1, header("<i8", "True", "(3,)"), longs(7, 8, 9))).integers())
        .containsExactly(7, 8, 9);
    assertThat(read(file(1, header("<i8", "True", "()"), longs(7))).integers()).containsExactly(7);
    assertThat(read(file(1, header("<i8", "True", "(0, 2)"), new byte[0])).integers()).isEmpty();
  }

  @Test
  void readsFloatsOfEitherByteOrder() {
    byte[] floats = HexFormat.of().parseHex("3fc00000c0100000");
    assertThat(read(file(1, header(">f4", "False", "(2,)"), floats)).floats())
        .containsExactly(1.5, -2.25);
    byte[] doubles = HexFormat.of().parseHex("3fb999999999999a");
    assertThat(read(file(1, header(">f8", "False", "(1,)"), doubles)).floats())
        .containsExactly(0.1);
  }

  @Test
  void refusesWhatFitsNoInteger() {
    refuses(
        file(1, header("<u8", "True", "(2, 2)"), longs(1, 2, Long.MIN_VALUE, 4)),
        "got 9223372036854775808 as element 1 in C order");
    refuses(file(1, header("<u8", "False", "(1,)"), longs(-1)), "got 18446744073709551615");
  }

  /** Nobody knows the length of a stream; and what follows an array in it is not swallowed. */
  @Test
  void readsStreams() throws IOException {
    byte[] array = file(2, header("<i8", "False", "(2,)"), longs(5, 6));
    assertThat(NpyFile.read(new ByteArrayInputStream(array), "a pipe").integers())
        .containsExactly(5, 6);
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(
            () -> NpyFile.read(new ByteArrayInputStream(joined(array, new byte[1])), "a pipe"))
        .withMessageContaining("16 bytes for shape [2] in a pipe, got more");
    byte[] endless = file(1, header("<i8", "False", "(200000000,)"), longs(5, 6));
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> NpyFile.read(new ByteArrayInputStream(endless), "a pipe"))
        .withMessageContaining("got 16");
    byte[] tooLong = file(1, header("<i8", "False", "(300000000,)"), longs(5, 6));
    refuses(tooLong, "elements of less than 2 GiB");
    refuses(file(1, header("|u1", "False", "(2147483631,)"), longs(5)), "got 8");
    refuses(file(1, header("|u1", "False", "(2147483632,)"), longs(5)), "less than 2 GiB");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "|i8", "=i8", "<f2", ">f1", "<i3", "|b1", "<c16", "<f16", "|O", "<U8", "i8", "", "<i", "|V4"
      })
  void refusesOtherTypes(String descr) {
    refuses(file(1, header(descr, "False", "(2,)"), longs(1, 2)), "elements i1, i2, i4, i8, u1");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'descr': [('a', '<i8')], 'fortran_order': False, 'shape': (2,), } | descr",
        "{'descr': '<i8', 'shape': (2,), } | fortran_order",
        "{'descr': '<i8', 'fortran_order': 0, 'shape': (2,), } | fortran_order",
        "{'descr': '<i8', 'fortran_order': False, } | shape",
        "{'descr': '<i8', 'fortran_order': False, 'shape': 2, } | shape",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (-2,), } | shape",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (1 2), } | a shape",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999999999999,), } | a shape",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), } | 24 bytes",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (1,), } | 8 bytes for shape [1]",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 0), } | 0 bytes",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (9223372036854775807,), } | fits",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (4294967296, 4294967296, 2), } | fits",
        "{'descr': '<i8', 'fortran_order': False, 'shape': (2305843009213693954,), } | fits",
        "nonsense | descr"
      })
  void refusesHeadersThatLie(String header, String message) {
    refuses(file(1, header, longs(1, 2)), message);
  }

  @Test
  void refusesWhatIsDamaged() throws IOException {
    byte[] whole = file(1, header("<i8", "False", "(2,)"), longs(1, 2));
    for (int length : new int[] {0, 5, 9, 11, 40, whole.length - 9, whole.length - 1}) {
      byte[] truncated = java.util.Arrays.copyOf(whole, length);
      assertThatExceptionOfType(CheckpointException.class).isThrownBy(() -> read(truncated));
    }
    refuses(java.util.Arrays.copyOf(whole, whole.length + 1), "16 bytes");
    byte[] other = whole.clone();
    other[1] = 'n';
    refuses(other, "something else");
    for (int version : new int[] {0, 4, 0xff}) {
      byte[] unknown = whole.clone();
      unknown[6] = (byte) version;
      refuses(unknown, "version 1, 2 or 3");
    }
    byte[] longer = whole.clone();
    longer[9] = (byte) 0xff; // A header of 65,000 bytes.
    refuses(longer, "a header inside the file");
    byte[] second = file(2, header("<i8", "False", "(2,)"), longs(1, 2));
    second[11] = (byte) 0xff; // Of 4 GB.
    refuses(second, "a header inside the file");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> NpyFile.read(folder.resolve("none.npy")))
        .withMessageContainingAll("got none, at", "none.npy");
    assertThatExceptionOfType(CheckpointException.class)
        .isThrownBy(() -> NpyFile.read(Files.createDirectory(folder.resolve("d.npy"))))
        .withMessageContainingAll("got a folder, at", "d.npy");
  }

  private static byte[] expected(String descr, String shape, ByteBuffer data) {
    return file(1, header(descr, "False", shape), data.array());
  }

  private static ByteBuffer data(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  @Test
  void writesTheBytesThatNumpyWrites() throws IOException {
    Path path = folder.resolve("y.npy");
    try (NpyWriter writer = new NpyWriter(path, true, 2, 2, 3)) {
      // In another order than they lie.
      writer.write(2, new double[] {7, 8, 9});
      writer.write(0, new double[] {0.1, -2, Double.NaN});
      writer.write(3, new double[] {1e300, 0, -0.0});
      writer.write(1, new double[] {4, 5, 6});
      writer.finish();
    }
    ByteBuffer wide = data(96);
    for (double x : new double[] {0.1, -2, Double.NaN, 4, 5, 6, 7, 8, 9, 1e300, 0, -0.0}) {
      wide.putDouble(x);
    }
    assertThat(Files.readAllBytes(path)).isEqualTo(expected("<f8", "(2, 2, 3)", wide));
    try (NpyWriter writer = NpyWriter.replacing(path, false, 2)) {
      writer.write(0, new double[] {0.1, 1e300});
      writer.finish();
    }
    ByteBuffer narrow = data(8).putFloat(0.1f).putFloat(Float.POSITIVE_INFINITY);
    assertThat(Files.readAllBytes(path)).isEqualTo(expected("<f4", "(2,)", narrow));
    // The header that NumPy itself wrote, but for the type.
    try (NpyWriter writer = NpyWriter.replacing(path, true, 2, 3)) {
      writer.write(0, new double[3]);
      writer.write(1, new double[3]);
      writer.finish();
    }
    byte[] numpy = HexFormat.of().parseHex(NUMPY.replace("273c693827", "273c663827"));
    assertThat(Files.readAllBytes(path)).isEqualTo(joined(numpy, new byte[48]));
  }

  /** Digits are ASCII, whatever the language of the machine. */
  @Test
  void writesTheSameInEveryLanguage() throws IOException {
    Locale before = Locale.getDefault();
    Path path = folder.resolve("y.npy");
    try {
      Locale.setDefault(Locale.forLanguageTag("ar-EG-u-nu-arab"));
      try (NpyWriter writer = new NpyWriter(path, false, 1)) {
        writer.write(0, new double[] {1.5});
        writer.finish();
      }
    } finally {
      Locale.setDefault(before);
    }
    assertThat(Files.readAllBytes(path)).isEqualTo(expected("<f4", "(1,)", data(4).putFloat(1.5f)));
  }

  @Test
  void leavesNothingUntilItIsFinished() throws IOException {
    Path path = folder.resolve("y.npy");
    try (NpyWriter writer = new NpyWriter(path, false, 2, 2)) {
      writer.write(0, new double[2]);
      assertThatIllegalStateException()
          .isThrownBy(writer::finish)
          .withMessageContaining("expected 2 rows, got 1");
      assertThat(path).doesNotExist();
    }
    assertThat(folder).isEmptyDirectory();
    Files.writeString(path, "before");
    try (NpyWriter writer = NpyWriter.replacing(path, false, 1, 2)) {
      writer.write(0, new double[2]);
      assertThat(path).hasContent("before");
    }
    assertThat(path).hasContent("before");
    assertThat(folder).isDirectoryNotContaining("glob:**.tmp");
  }

  @Test
  void refusesPlacesThatCannotBeWritten() throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "x");
    for (Path path : new Path[] {folder.resolve("no/y.npy"), file.resolve("y.npy"), folder}) {
      assertThatExceptionOfType(CheckpointException.class)
          .isThrownBy(() -> new NpyWriter(path, false, 1, 2))
          .withMessageContaining(path.toString());
    }
    assertThat(folder).isDirectoryNotContaining(p -> !p.equals(file));
  }
}
