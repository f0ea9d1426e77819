package org.retention4j.engine;

import java.util.SplittableRandom;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.Init;

/** Packs a matrix in every type, twice, in an engine of a route, for the sake of what is logged. */
public final class WeightChoiceProgram {
  private WeightChoiceProgram() {}

  /** Takes a {@link ComputeRoute}. */
  public static void main(String[] args) {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.valueOf(args[0]))) {
      for (int time = 0; time < 2; time++) {
        for (WeightType type : new WeightType[] {WeightType.BFLOAT16, WeightType.INT8}) {
          engine.pack(Init.uniform(new SplittableRandom(1), 3, 4), type).close();
          Engine.packedBytes(ElementType.FLOAT32, type, 3, 4);
        }
      }
    }
  }
}
