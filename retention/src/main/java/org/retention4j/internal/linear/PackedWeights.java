package org.retention4j.internal.linear;

import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.Tile;

/** Weights as an engine multiplies with them. They name the form that their input must take. */
public interface PackedWeights extends PackedMatrix {
  /** Returns the type of the engines that multiply with them. */
  ElementType computes();

  /**
   * Returns the form of the other operand in products of so many rows.
   *
   * @param bfloat16 whether it may be rounded to bf16
   */
  InputForm inputForm(int rows, boolean bfloat16);

  /**
   * Returns how many outputs a part of a product should have. Of two matrices with as many outputs
   * the larger number will do for both.
   */
  int blockOutputs(InputForm form);

  /**
   * Binds y ← f(x·Wᵀ); the shapes were checked.
   *
   * @param x of {@link #inputForm}
   * @param block outputs of a part, {@link #blockOutputs} or those of others that have more
   */
  MatMul plan(PlanContext context, PreparedInput x, int block, Tile y, Activation f);
}
