package org.retention4j.checkpoint;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.retention4j.args.Args;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.checkpoint.internal.files.DiskRoom;
import org.retention4j.checkpoint.internal.files.OutTensor;
import org.retention4j.checkpoint.internal.files.SafetensorsWriter;

/**
 * Writes tensors that are no model, an optimizer's moments for instance, into one safetensors file,
 * which {@link SafetensorsFile} reads.
 *
 * @since 0.1
 */
public final class TensorWriter {
  private TensorWriter() {}

  /**
   * A tensor by its rows.
   *
   * @param name one of its own in a file
   * @param rows at least 1
   * @param columns of a row
   * @param numbers gives the rows in order, each once
   */
  public record Rows(String name, int rows, int columns, RowNumbers numbers) {}

  /** Gives rows as numbers. */
  @FunctionalInterface
  public interface RowNumbers {
    /** Copies one row. */
    void read(int row, double[] into);
  }

  /**
   * Writes a file, in place of one of that name; it appears when it is whole.
   *
   * @param dtype F64, F32, F16 or BF16
   * @throws CheckpointException if it cannot be written, or finite numbers become infinite
   */
  public static void write(Path file, DType dtype, List<Rows> tensors) {
    Args.present("a file", file);
    Args.present("a type", dtype);
    List<OutTensor> all = new ArrayList<>();
    for (Rows tensor : Args.present("tensors", tensors)) {
      List<Long> shape = List.of((long) tensor.rows(), (long) tensor.columns());
      RowNumbers numbers = tensor.numbers();
      all.add(
          OutTensor.of(tensor.name(), dtype, shape, (row, into) -> numbers.read((int) row, into)));
    }
    Path folder = file.toAbsolutePath().getParent();
    DiskRoom.require(folder, all.stream().mapToDouble(OutTensor::bytes).sum());
    SafetensorsWriter.writeFile(file, all, Map.of());
  }
}
