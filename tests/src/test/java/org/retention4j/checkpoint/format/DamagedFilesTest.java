package org.retention4j.checkpoint.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.retention4j.checkpoint.format.SafetensorsBytes.entry;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Seeded damage to the length, the JSON and the offsets: no crash, no hang, no exception but the
 * reader's own, and no more memory than the header deserves.
 */
class DamagedFilesTest {
  private static final int FILES = 24_000;

  /** What a file may cost apart from its header. */
  private static final long MEGABYTE = 1_000_000;

  private static final int PER_HEADER_BYTE = 64;

  private static final String[] PIECES = {
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "-1",
    "0",
    "9223372036854775807",
    "1e9",
    "null",
    "true",
    "\"F32\"",
    "\"F64\"",
    "\"BF16\"",
    "\"shape\"",
    "\"data_offsets\"",
    "\"__metadata__\":{}",
    "\\u0000",
    "[[[[[[[[[[",
    "{\"a\":{\"a\":{\"a\":",
    "18446744073709551616",
    "00",
    ".5",
    "\t"
  };

  @TempDir private Path folder;

  private static byte[] base(SplittableRandom random) {
    StringBuilder header = new StringBuilder("{\"__metadata__\":{\"format\":\"pt\"}");
    int at = 0;
    int tensors = 1 + random.nextInt(6);
    for (int i = 0; i < tensors; i++) {
      int rows = random.nextInt(4);
      int columns = 1 + random.nextInt(5);
      int bytes = 4 * rows * columns;
      String shape = "[" + rows + "," + columns + "]";
      header.append(',').append(entry("layer." + i, "F32", shape, at, at + bytes));
      at += bytes;
    }
    return SafetensorsBytes.file(header.append('}').toString(), new byte[at]);
  }

  private static byte[] damaged(byte[] file, SplittableRandom random) {
    ByteBuffer bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int header = (int) bytes.getLong(0);
    byte[] copy = file.clone();
    ByteBuffer into = ByteBuffer.wrap(copy).order(ByteOrder.LITTLE_ENDIAN);
    switch (random.nextInt(9)) {
      case 0 -> into.putLong(0, random.nextLong());
      case 1 -> into.putLong(0, header + random.nextInt(41) - 20);
      case 2 -> copy[8 + random.nextInt(header)] = (byte) random.nextInt(256);
      case 3 -> copy[8 + random.nextInt(header)] ^= (byte) (1 << random.nextInt(8));
      case 4, 5 -> copy = withPiece(file, header, random);
      case 6 -> changeADigit(copy, header, random);
      case 7 -> copy = withOffset(file, header, random);
      default -> copy = Arrays.copyOf(file, random.nextInt(file.length + 20));
    }
    return copy;
  }

  /** Returns whether length and header are as they were: the damage is elsewhere. */
  private static boolean spares(byte[] content, byte[] file) {
    int start = 8 + (int) ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    return content.length < start || Arrays.equals(content, 0, start, file, 0, start);
  }

  /** Returns the bytes of the header that a file has, at most: 0 if its length is wrong. */
  private static long headerBytes(byte[] content) {
    if (content.length < 8) {
      return 0;
    }
    long length = ByteBuffer.wrap(content).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    return length >= 0 && length <= content.length - 8 ? length : 0;
  }

  /** Puts another number in the place of one of the offsets. */
  private static byte[] withOffset(byte[] file, int header, SplittableRandom random) {
    String text = new String(file, 8, header, StandardCharsets.US_ASCII);
    String key = "\"data_offsets\":[";
    int at = random.nextInt(header);
    at = text.indexOf(key, at) < 0 ? text.indexOf(key) : text.indexOf(key, at);
    int from = at + key.length();
    from = random.nextBoolean() ? from : text.indexOf(',', from) + 1;
    int to = from;
    while (Character.isDigit(text.charAt(to))) {
      to++;
    }
    long number =
        switch (random.nextInt(4)) {
          case 0 -> random.nextLong(100);
          case 1 -> random.nextLong(1L << 32);
          case 2 -> random.nextLong(Long.MAX_VALUE);
          default -> Long.MAX_VALUE - random.nextInt(3);
        };
    byte[] data = Arrays.copyOfRange(file, 8 + header, file.length);
    return SafetensorsBytes.file(text.substring(0, from) + number + text.substring(to), data);
  }

  private static byte[] withPiece(byte[] file, int header, SplittableRandom random) {
    byte[] piece = PIECES[random.nextInt(PIECES.length)].getBytes(StandardCharsets.UTF_8);
    int at = 8 + random.nextInt(header);
    int replaced = Math.min(random.nextInt(piece.length + 1), 8 + header - at);
    ByteBuffer result = ByteBuffer.allocate(file.length + piece.length - replaced);
    result.order(ByteOrder.LITTLE_ENDIAN);
    result.put(file, 0, at).put(piece).put(file, at + replaced, file.length - at - replaced);
    result.putLong(0, header + piece.length - replaced);
    return result.array();
  }

  private static void changeADigit(byte[] file, int header, SplittableRandom random) {
    int start = random.nextInt(header);
    for (int i = 0; i < header; i++) {
      int at = 8 + (start + i) % header;
      if (file[at] >= '0' && file[at] <= '9') {
        file[at] = (byte) ('0' + random.nextInt(10));
        return;
      }
    }
  }

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void damageIsRefusedWithTheReadersOwnException() {
    SplittableRandom random = new SplittableRandom(20_260_101);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    Path path = folder.resolve("damaged.safetensors");
    int files = 0;
    int aimed = 0;
    int refused = 0;
    while (files < FILES) {
      byte[] whole = base(random);
      byte[] content = damaged(whole, random);
      if (Arrays.equals(content, whole)) {
        continue; // A byte that became itself is no damage.
      }
      files++;
      aimed += spares(content, whole) ? 0 : 1;
      SafetensorsBytes.write(path, content);
      long before = threads.getThreadAllocatedBytes(thread);
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        // Some damage leaves a legal file, with another name for instance: it can be read.
        for (TensorInfo tensor : file.tensors().values()) {
          int n = (int) tensor.elements();
          file.readBytes(tensor, 0, new byte[n], n);
        }
      } catch (CheckpointException e) {
        refused++;
      } catch (RuntimeException | Error e) {
        fail("file " + files + ": " + new String(content, StandardCharsets.ISO_8859_1), e);
      }
      long allocated = threads.getThreadAllocatedBytes(thread) - before;
      assertThat(allocated)
          .as("file %s", files)
          .isLessThan(MEGABYTE + PER_HEADER_BYTE * headerBytes(content));
    }
    assertThat(aimed).as("damaged in length, JSON or offsets").isGreaterThan(FILES * 4 / 5);
    assertThat(refused).isBetween(FILES / 2, FILES - 100);
  }

  private static String many(int count, IntFunction<String> entry) {
    return IntStream.range(0, count).mapToObj(entry).collect(Collectors.joining(",", "{", ""));
  }

  /** Long headers: the memory follows their length. */
  @Test
  void memoryFollowsTheHeader() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    Path path = folder.resolve("long.safetensors");
    for (String header :
        new String[] {
          "{\"" + "x".repeat(1_000_000) + "\":3}",
          "{" + "\"a\":{".repeat(100_000),
          "{\"a\":{\"shape\":[" + "1,".repeat(500_000) + "1]}}",
          "{\"a\":{\"shape\":[" + "1".repeat(1_000_000) + "]}}",
          "{\"__metadata__\":{\"k\":\"" + "v".repeat(1_000_000) + "\"}, \"b\":1}",
          // Names that differ, all of them legal and kept; what is wrong comes last.
          many(50_000, i -> entry("t" + i, "U8", "[0]", 0, 0)) + ",\"b\":1}",
          many(50_000, i -> entry("t" + i, "U8", "[0]", 0, 0)) + "}}",
          many(20_000, i -> entry("t" + i, "U8", "[0,1,2,3,4,5,6,7,8,9]", 0, 0)) + ",3}",
          many(50_000, i -> entry("t" + i, "U8", "[1]", i, i + 1)) + "}",
          "{\"__metadata__\":" + many(100_000, i -> "\"" + i + "\":\"\"") + "},\"b\":1}",
          "{\"__metadata__\":" + many(100_000, i -> "\"" + i + "\":\"\"") + ",\"0\":\"\"}}",
          "{\"a\":" + many(100_000, i -> "\"" + i + "\":1") + "}}"
        }) {
      SafetensorsBytes.write(path, SafetensorsBytes.file(header, new byte[0]));
      long before = threads.getThreadAllocatedBytes(thread);
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        fail("expected a refusal, got " + file.tensors().size() + " tensors");
      } catch (CheckpointException e) {
        long allocated = threads.getThreadAllocatedBytes(thread) - before;
        assertThat(allocated)
            .as(header.substring(0, Math.min(60, header.length())))
            .isLessThan(MEGABYTE + (long) PER_HEADER_BYTE * header.length());
      }
    }
  }

  /** A great many tensors that are all right cost no more than that either. */
  @Test
  void memoryOfALegalFileFollowsItsHeader() {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    String header = many(50_000, i -> entry(Integer.toString(i), "U8", "[]", i, i + 1)) + "}";
    Path path = folder.resolve("many.safetensors");
    SafetensorsBytes.write(path, SafetensorsBytes.file(header, new byte[50_000]));
    long thread = Thread.currentThread().getId();
    long before = threads.getThreadAllocatedBytes(thread);
    try (SafetensorsFile file = SafetensorsFile.open(path)) {
      long allocated = threads.getThreadAllocatedBytes(thread) - before;
      assertThat(allocated).isLessThan(MEGABYTE + (long) PER_HEADER_BYTE * header.length());
      assertThat(file.tensors()).hasSize(50_000);
    }
  }
}
