package org.retention4j.checkpoint.internal.files;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.checkpoint.format.TensorInfo;
import org.retention4j.checkpoint.format.WeightFiles;
import org.retention4j.engine.ops.MatrixSource;

/**
 * The tensors of a model folder: model.safetensors, or the shards that model.safetensors.index.json
 * names. The single file is taken when both are there. May be read from many threads.
 *
 * @since 0.1
 */
public final class CheckpointFiles implements AutoCloseable {
  private final Path folder;
  private final List<SafetensorsFile> files = new ArrayList<>();
  private final Map<String, Place> places = new LinkedHashMap<>();

  private record Place(SafetensorsFile file, TensorInfo info) {}

  private CheckpointFiles(Path folder) {
    this.folder = folder;
  }

  /**
   * Opens a folder.
   *
   * @throws CheckpointException if there are no tensors, a file is damaged, a shard is missing or
   *     leaves the folder, or index and shards disagree
   */
  public static CheckpointFiles open(Path folder) {
    CheckpointFiles all = new CheckpointFiles(folder);
    try {
      if (Files.isRegularFile(folder.resolve(WeightFiles.SINGLE))) {
        all.add(folder.resolve(WeightFiles.SINGLE));
      } else if (Files.isRegularFile(folder.resolve(WeightFiles.INDEX))) {
        all.addShards(folder.resolve(WeightFiles.INDEX));
      } else {
        throw WeightFiles.missing(folder);
      }
    } catch (Throwable e) {
      all.close();
      throw e;
    }
    return all;
  }

  private SafetensorsFile add(Path path) {
    SafetensorsFile file = SafetensorsFile.open(path);
    files.add(file);
    for (TensorInfo info : file.tensors().values()) {
      Place before = places.put(info.name(), new Place(file, info));
      if (before != null) {
        throw new CheckpointException(
            String.format(
                Locale.ROOT,
                "expected tensor %s in one file, got it in %s and %s",
                Shown.name(info.name()),
                before.file().path(),
                path));
      }
    }
    return file;
  }

  private void addShards(Path index) {
    Map<String, Set<String>> shards = WeightFiles.shards(index);
    List<String> missing =
        shards.keySet().stream().filter(name -> !Files.exists(folder.resolve(name))).toList();
    if (!missing.isEmpty()) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected the %d shards that %s names, got none of %s; fetch what is missing",
              shards.size(),
              index,
              Shown.name(String.join(", ", missing))));
    }
    for (Map.Entry<String, Set<String>> shard : shards.entrySet()) {
      SafetensorsFile file = add(folder.resolve(shard.getKey()));
      Set<String> found = file.tensors().keySet();
      for (String name : shard.getValue()) {
        if (!found.contains(name)) {
          throw new CheckpointException(
              String.format(
                  Locale.ROOT,
                  "expected tensor %s in %s, as %s says, got none",
                  Shown.name(name),
                  file.path(),
                  index));
        }
      }
      for (String name : found) {
        if (!shard.getValue().contains(name)) {
          throw new CheckpointException(
              String.format(
                  Locale.ROOT,
                  "expected only tensors that %s names in %s, got %s",
                  index,
                  file.path(),
                  Shown.name(name)));
        }
      }
    }
  }

  /** Returns what stands under __metadata__; of what files say differently, the first's word. */
  public Map<String, String> metadata() {
    Map<String, String> all = new LinkedHashMap<>();
    for (SafetensorsFile file : files) {
      file.metadata().forEach(all::putIfAbsent);
    }
    return all;
  }

  /** Returns the names of all tensors. */
  public Set<String> names() {
    return java.util.Collections.unmodifiableSet(places.keySet());
  }

  /** Returns whether there is a tensor of that name. */
  public boolean has(String name) {
    return places.containsKey(name);
  }

  /**
   * Returns what a header says of a tensor.
   *
   * @throws CheckpointException if there is none of that name
   */
  public TensorInfo info(String name) {
    return place(name).info();
  }

  private Place place(String name) {
    Place place = places.get(name);
    if (place == null) {
      throw new CheckpointException(
          "expected a tensor " + Shown.name(name) + " in " + folder + ", got none");
    }
    return place;
  }

  /** Returns what there is. */
  public TensorNames present() {
    return (name, rows) -> {
      Place place = places.get(name);
      return place != null && (rows == TensorNames.ANY || place.info().hasRows(rows));
    };
  }

  /**
   * Checks that a tensor is there, has a shape and holds weights.
   *
   * @throws CheckpointException if it is missing, of another shape or no weight
   */
  public void require(String name, List<Long> shape) {
    weights(name, shape);
  }

  /**
   * Returns a weight matrix.
   *
   * @throws CheckpointException if it is missing, of another shape or no weight
   */
  public MatrixSource matrix(String name, int rows, int columns) {
    return matrix(name, 0, rows, columns, rows);
  }

  /** Returns some rows of a weight matrix of {@code allRows}. */
  public MatrixSource matrix(String name, int firstRow, int rows, int columns, int allRows) {
    Place place = weights(name, List.of((long) allRows, (long) columns));
    return new MatrixSource() {
      @Override
      public int rows() {
        return rows;
      }

      @Override
      public int columns() {
        return columns;
      }

      @Override
      public void read(int row, float[] into) {
        place.file().read(place.info(), (long) (firstRow + row) * columns, columns, into);
      }

      @Override
      public void read(int row, double[] into) {
        place.file().read(place.info(), (long) (firstRow + row) * columns, columns, into);
      }

      @Override
      public void readBfloat16(int row, float[] room, short[] into) {
        if (place.info().dtype() == DType.BF16) {
          place.file().readBits(place.info(), (long) (firstRow + row) * columns, columns, into);
        } else {
          MatrixSource.super.readBfloat16(row, room, into);
        }
      }
    };
  }

  /**
   * Returns a weight vector.
   *
   * @throws CheckpointException if it is missing, of another length or no weight
   */
  public double[] vector(String name, int length) {
    Place place = weights(name, List.of((long) length));
    double[] vector = new double[length];
    place.file().read(place.info(), 0, length, vector);
    return vector;
  }

  private Place weights(String name, List<Long> shape) {
    Place place = places.get(name);
    if (place == null) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected a tensor %s of shape %s in %s, got none",
              name,
              shape,
              folder));
    }
    TensorInfo info = place.info();
    if (!info.shape().equals(shape) || !info.dtype().isWeight()) {
      throw new CheckpointException(
          String.format(
              Locale.ROOT,
              "expected a tensor %s of shape %s in F64, F32, F16 or BF16 in %s, got %s of shape %s",
              name,
              shape,
              place.file().path(),
              info.dtype(),
              info.shape()));
    }
    return place;
  }

  /** Copies bytes of a tensor as they stand in the file, see {@link SafetensorsFile#readBytes}. */
  public void readBytes(String name, long offset, byte[] into, int count) {
    Place place = place(name);
    place.file().readBytes(place.info(), offset, into, count);
  }

  /** Copies elements of a weight tensor, exactly; see {@link SafetensorsFile}. */
  public void read(String name, long element, int count, double[] into) {
    Place place = place(name);
    place.file().read(place.info(), element, count, into);
  }

  @Override
  public void close() {
    files.forEach(SafetensorsFile::close);
  }
}
