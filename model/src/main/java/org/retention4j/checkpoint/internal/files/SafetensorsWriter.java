package org.retention4j.checkpoint.internal.files;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ObjLongConsumer;
import org.retention4j.checkpoint.format.PendingFile;
import org.retention4j.checkpoint.format.PendingFolder;
import org.retention4j.checkpoint.format.WeightFiles;

/**
 * Tensors that become one safetensors file, or shards with an index when that would be larger than
 * a shard may be.
 *
 * @since 0.1
 */
public final class SafetensorsWriter {
  private static final int BUFFER = 1 << 20;

  private final List<List<OutTensor>> shards;
  private final Map<String, String> metadata;

  /**
   * Divides tensors among files.
   *
   * @param shardBytes the most bytes of data in a file, but for a tensor that is larger by itself
   * @param metadata goes into every file; readers of the hub's library look for "format" there
   */
  public SafetensorsWriter(List<OutTensor> tensors, long shardBytes, Map<String, String> metadata) {
    shards = shards(tensors, shardBytes);
    this.metadata = new LinkedHashMap<>(metadata);
    this.metadata.putIfAbsent("format", "pt");
  }

  /** Writes one file, in place of one of that name. */
  public static void writeFile(Path path, List<OutTensor> tensors, Map<String, String> metadata) {
    try (PendingFile file = PendingFile.of(path, true)) {
      fill(file, tensors, metadata, (name, bytes) -> {});
      file.finish();
    }
  }

  /** Returns the names of the files. */
  public List<String> names() {
    List<String> names = new ArrayList<>();
    for (int i = 0; i < shards.size(); i++) {
      names.add(name(i, shards.size()));
    }
    if (shards.size() > 1) {
      names.add(WeightFiles.INDEX);
    }
    return names;
  }

  /** Writes the files; they appear with the folder's others. */
  public void write(PendingFolder folder, ObjLongConsumer<String> progress) {
    for (int i = 0; i < shards.size(); i++) {
      PendingFile file = folder.add(name(i, shards.size()));
      fill(file, shards.get(i), metadata, progress);
      file.sync();
    }
    if (shards.size() > 1) {
      folder.add(WeightFiles.INDEX).write(0, ByteBuffer.wrap(index(shards)));
    }
  }

  private static List<List<OutTensor>> shards(List<OutTensor> tensors, long shardBytes) {
    List<List<OutTensor>> shards = new ArrayList<>();
    shards.add(new ArrayList<>());
    long bytes = 0;
    for (OutTensor tensor : tensors) {
      if (bytes > 0 && bytes + tensor.bytes() > shardBytes) {
        shards.add(new ArrayList<>());
        bytes = 0;
      }
      shards.get(shards.size() - 1).add(tensor);
      bytes += tensor.bytes();
    }
    return shards;
  }

  private static String name(int shard, int count) {
    return count == 1
        ? WeightFiles.SINGLE
        : String.format(Locale.ROOT, "model-%05d-of-%05d.safetensors", shard + 1, count);
  }

  private static byte[] index(List<List<OutTensor>> shards) {
    ObjectNode root = new ObjectMapper().createObjectNode();
    ObjectNode map = root.objectNode();
    long total = 0;
    for (int i = 0; i < shards.size(); i++) {
      for (OutTensor tensor : shards.get(i)) {
        map.put(tensor.name(), name(i, shards.size()));
        total += tensor.bytes();
      }
    }
    root.putObject("metadata").put("total_size", total);
    root.set("weight_map", map);
    return root.toPrettyString().getBytes(StandardCharsets.UTF_8);
  }

  private static void fill(
      PendingFile file,
      List<OutTensor> tensors,
      Map<String, String> metadata,
      ObjLongConsumer<String> progress) {
    byte[] header = header(tensors, metadata);
    ByteBuffer length = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
    file.write(0, length.putLong(header.length).flip());
    file.write(8, ByteBuffer.wrap(header));
    long at = 8L + header.length;
    for (OutTensor tensor : tensors) {
      at = fill(file, at, tensor);
      progress.accept(tensor.name(), tensor.bytes());
    }
  }

  private static long fill(PendingFile file, long start, OutTensor tensor) {
    int rowBytes = Math.toIntExact(tensor.rowLength() * tensor.dtype().bytes());
    ByteBuffer buffer =
        ByteBuffer.allocate(Math.max(rowBytes, BUFFER)).order(ByteOrder.LITTLE_ENDIAN);
    long at = start;
    for (long row = 0; row < tensor.rowCount(); row++) {
      if (buffer.remaining() < rowBytes) {
        at += flush(file, at, buffer);
      }
      int before = buffer.position();
      tensor.rows().put(row, buffer);
      if (buffer.position() != before + rowBytes) {
        throw new IllegalStateException(
            String.format(
                Locale.ROOT,
                "expected %d bytes for a row of %s, got %d",
                rowBytes,
                tensor.name(),
                buffer.position() - before));
      }
    }
    return at + flush(file, at, buffer);
  }

  private static int flush(PendingFile file, long at, ByteBuffer buffer) {
    buffer.flip();
    int bytes = buffer.limit();
    file.write(at, buffer);
    buffer.clear();
    return bytes;
  }

  private static byte[] header(List<OutTensor> tensors, Map<String, String> metadata) {
    ObjectNode root = new ObjectMapper().createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode entries = root.putObject("__metadata__");
      metadata.forEach(entries::put);
    }
    long at = 0;
    for (OutTensor tensor : tensors) {
      if (root.has(tensor.name())) {
        throw new IllegalArgumentException("expected each tensor once, got two " + tensor.name());
      }
      ObjectNode entry = root.putObject(tensor.name());
      entry.put("dtype", tensor.dtype().name());
      ArrayNode shape = entry.putArray("shape");
      tensor.shape().forEach(shape::add);
      entry.putArray("data_offsets").add(at).add(at + tensor.bytes());
      at += tensor.bytes();
    }
    byte[] json = root.toString().getBytes(StandardCharsets.UTF_8);
    // Padded so that the data begin at a multiple of eight.
    byte[] padded = java.util.Arrays.copyOf(json, (json.length + 7) / 8 * 8);
    java.util.Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }
}
