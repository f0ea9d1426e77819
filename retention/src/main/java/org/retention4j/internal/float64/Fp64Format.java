package org.retention4j.internal.float64;

import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.internal.linear.PackedWeights;
import org.retention4j.internal.linear.WeightFormat;

/** Weights of any type, rounded to it and widened to float64 on the heap. */
public record Fp64Format(WeightType type) implements WeightFormat {
  @Override
  public String description() {
    return "plain Java in float64";
  }

  @Override
  public PackedWeights pack(Lanes lanes, MatrixSource source) {
    return new Fp64Weights(lanes, source, type);
  }

  @Override
  public long bytes(long outputs, long inputs) {
    return Double.BYTES * outputs * inputs;
  }
}
