package org.retention4j.parallel;

import org.retention4j.core.form.HeadGradient;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.Lane;

/**
 * Every query against every earlier key (arXiv 2307.08621, equation 5): (Q Kᵀ ⊙ D) V with D_ij =
 * e^(G_i−G_j), the form in which the paper trains. Its work grows with T², its memory does not: it
 * goes through blocks of queries and keys and skips the blocks above the diagonal.
 *
 * @param block the queries, and the keys, of one block, at least 1; the results do not depend on
 *     it, and more than 1024 are computed as several blocks. Scratch stays with the engine
 * @since 0.1
 */
public record ParallelForm(int block) implements RetentionForm {
  /** The fastest of 32…512 at the paper's head shape, K 256 and V 512. */
  public static final int DEFAULT_BLOCK = 128;

  /** A larger block is computed as blocks of this many: scores grow with its square. */
  private static final int LARGEST = 1024;

  /** Uses {@link #DEFAULT_BLOCK}. */
  public ParallelForm() {
    this(DEFAULT_BLOCK);
  }

  /**
   * Checks the block size.
   *
   * @throws IllegalArgumentException if block &lt; 1
   */
  public ParallelForm {
    if (block < 1) {
      throw new IllegalArgumentException("expected a block of at least 1 token, got " + block);
    }
  }

  @Override
  public String name() {
    return "parallel";
  }

  /** The form looks at a sequence as a whole. */
  @Override
  public MicroBatches microBatches() {
    return MicroBatches.WHOLE;
  }

  @Override
  public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
    return new ParallelKernel(lane, Math.min(block, LARGEST), keyWidth, valueWidth);
  }

  @Override
  public HeadGradient prepareGradient(Lane lane, int keyWidth, int valueWidth) {
    return new ParallelGradient(lane, Math.min(block, LARGEST), keyWidth, valueWidth);
  }
}
