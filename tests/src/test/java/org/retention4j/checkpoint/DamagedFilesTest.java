package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;
import static org.retention4j.checkpoint.SafetensorsBytes.entry;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Seeded damage to the length, the JSON and the offsets: no crash, no hang, no exception but the
 * reader's own, and no more memory than the header deserves.
 */
class DamagedFilesTest {
  private static final int FILES = 24_000;
  private static final long MEGABYTE = 1 << 20;

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
    switch (random.nextInt(8)) {
      case 0 -> into.putLong(0, random.nextLong());
      case 1 -> into.putLong(0, header + random.nextInt(41) - 20);
      case 2 -> copy[8 + random.nextInt(header)] = (byte) random.nextInt(256);
      case 3 -> copy[8 + random.nextInt(header)] ^= (byte) (1 << random.nextInt(8));
      case 4, 5 -> copy = withPiece(file, header, random);
      case 6 -> changeADigit(copy, header, random);
      default -> copy = Arrays.copyOf(file, random.nextInt(file.length + 20));
    }
    return copy;
  }

  private static byte[] withPiece(byte[] file, int header, SplittableRandom random) {
    byte[] piece =
        PIECES[random.nextInt(PIECES.length)].getBytes(java.nio.charset.StandardCharsets.UTF_8);
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
  void damageIsRefusedWithTheReadersOwnException() {
    SplittableRandom random = new SplittableRandom(20_260_101);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long thread = Thread.currentThread().getId();
    Path path = folder.resolve("damaged.safetensors");
    int refused = 0;
    for (int i = 0; i < FILES; i++) {
      byte[] content = damaged(base(random), random);
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
        fail(
            "file " + i + ": " + new String(content, java.nio.charset.StandardCharsets.ISO_8859_1),
            e);
      }
      long allocated = threads.getThreadAllocatedBytes(thread) - before;
      assertThat(allocated).as("file %s", i).isLessThan(MEGABYTE + 64L * content.length);
    }
    assertThat(refused).isBetween(FILES / 2, FILES - 100);
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
          "{" + "\"t%d\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,0]},".repeat(20_000)
        }) {
      SafetensorsBytes.write(path, SafetensorsBytes.file(header, new byte[0]));
      long before = threads.getThreadAllocatedBytes(thread);
      try (SafetensorsFile file = SafetensorsFile.open(path)) {
        fail("expected a refusal, got " + file.tensors().size() + " tensors");
      } catch (CheckpointException e) {
        long allocated = threads.getThreadAllocatedBytes(thread) - before;
        assertThat(allocated).isLessThan(MEGABYTE + 64L * header.length());
      }
    }
  }
}
