package org.retention4j.checkpoint;

import java.util.List;
import java.util.function.Function;
import org.retention4j.engine.ElementType;
import org.retention4j.engine.WeightType;

/**
 * How many bytes weights will take once they are loaded, by formula: matrices packed in blocks of
 * outputs and filled up as the engines do it on processors with 512-bit vectors, elsewhere a little
 * differently; the embedding table copied. Norms and biases, some kilobytes, are not counted.
 */
final class WeightMemory {
  /** Outputs of a block of a packed matrix. */
  private static final int BLOCK = 512;

  /** Rows of a block of a table. */
  private static final int TABLE_BLOCK = 1024;

  private static final int ALIGNMENT = 64;

  private static final int OUTPUTS = 64;

  private final ElementType engine;
  private final WeightChoice choice;
  private final Function<String, DType> types;

  /**
   * Makes a formula.
   *
   * @param types gives the type of a tensor in its file
   */
  WeightMemory(ElementType engine, WeightChoice choice, Function<String, DType> types) {
    this.engine = engine;
    this.choice = choice;
    this.types = types;
  }

  /** Returns the bytes of what {@code LanguageModel.weightBytes()} counts. */
  long bytes(List<ExpectedTensor> tensors) {
    return tensors.stream().mapToLong(this::bytes).sum();
  }

  private long bytes(ExpectedTensor tensor) {
    DType file = types.apply(tensor.name());
    long rows = tensor.rows();
    return switch (tensor.use()) {
      case NORM, BIAS -> 0;
      case MATRIX -> {
        WeightType type = choice.matrix(file, engine);
        yield tensor.parts() * packed(rows / tensor.parts(), tensor.columns(), type);
      }
      case OUTPUT -> packed(rows, tensor.columns(), choice.table(file, engine));
      case TABLE -> table(rows, tensor.columns(), choice.table(file, engine));
      case TIED_TABLE -> {
        WeightType type = choice.table(file, engine);
        yield table(rows, tensor.columns(), type) + packed(rows, tensor.columns(), type);
      }
    };
  }

  private static long table(long rows, long columns, WeightType type) {
    return rows * columns * type.bytes() + ALIGNMENT * ((rows + TABLE_BLOCK - 1) / TABLE_BLOCK);
  }

  private long packed(long outputs, long inputs, WeightType type) {
    if (engine == ElementType.FLOAT64) {
      // Rounded to the type, but kept in double.
      return outputs * inputs * Double.BYTES;
    }
    long padded = padded(outputs, OUTPUTS);
    return switch (type) {
      case FLOAT32 -> 4 * padded * padded(inputs, 16) + ALIGNMENT * blocks(outputs);
      case BFLOAT16 -> 2 * padded * padded(inputs, 32) + ALIGNMENT * blocks(outputs);
      // Beside the integers a correction and a factor per output.
      case INT8 -> padded * (padded(inputs, 64) + 8) + ALIGNMENT * blocks(outputs);
      case FLOAT64 -> throw new IllegalStateException("no float64 weights in an fp32 engine");
    };
  }

  private static long blocks(long rows) {
    return (rows + BLOCK - 1) / BLOCK;
  }

  private static long padded(long n, long multiple) {
    return (n + multiple - 1) / multiple * multiple;
  }
}
