package org.retention4j.internal.linear.onednn;

import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.internal.linear.PackedWeights;
import org.retention4j.internal.linear.WeightFormat;

/**
 * Weights in native memory, in oneDNN's own layout. Every host has it.
 *
 * @param type FLOAT32, BFLOAT16 or INT8
 */
public record OneDnnFormat(WeightType type) implements WeightFormat {
  @Override
  public String description() {
    return "oneDNN, in native memory";
  }

  @Override
  public PackedWeights pack(Lanes lanes, MatrixSource source) {
    return new OneDnnWeights(lanes, source, type);
  }

  @Override
  public long bytes(long outputs, long inputs) {
    return OneDnnWeights.bytes(type, outputs, inputs);
  }
}
