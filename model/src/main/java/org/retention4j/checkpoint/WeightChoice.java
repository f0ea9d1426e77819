package org.retention4j.checkpoint;

import java.util.Optional;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;

/**
 * In which type a checkpoint's matrices are kept in memory.
 *
 * @since 0.1
 */
public enum WeightChoice {
  /** As in the file: BF16 and F32 stay, F16 becomes fp32, F64 fp32 or float64 by the engine. */
  FILE(Optional.empty()),
  /** IEEE single precision. */
  FLOAT32(WeightType.FLOAT32),
  /** bfloat16. */
  BFLOAT16(WeightType.BFLOAT16),
  /**
   * 8-bit integers with a factor per output feature; embedding and output matrix in bfloat16, for
   * they cost little and the logits hang on them.
   */
  INT8(WeightType.INT8);

  private final Optional<WeightType> type;

  WeightChoice(WeightType type) {
    this(Optional.of(type));
  }

  WeightChoice(Optional<WeightType> type) {
    this.type = type;
  }

  /** Returns the type for a layer's matrix. */
  WeightType matrix(DType file, ElementType engine) {
    return type.orElseGet(() -> asInFile(file, engine));
  }

  /** Returns the type for the embedding table and the output matrix. */
  WeightType table(DType file, ElementType engine) {
    return matrix(file, engine).tableType();
  }

  private static WeightType asInFile(DType file, ElementType engine) {
    return switch (file) {
      case BF16 -> WeightType.BFLOAT16;
      case F64 -> engine == ElementType.FLOAT64 ? WeightType.FLOAT64 : WeightType.FLOAT32;
      default -> WeightType.FLOAT32;
    };
  }
}
