package org.retention4j.chunkwise;

import org.retention4j.core.form.HeadGradient;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.TileOps;

/**
 * Parallel inside a chunk of C tokens, recurrent from chunk to chunk (arXiv 2307.08621, equation
 * 7): the form for prefill. Its work per token is constant, and all of it is matrix products.
 *
 * @param chunk C, the tokens of a chunk, at least 1; the results do not depend on it, and more than
 *     1024 are computed as several chunks. Scratch of C·(C+3K+2V)+2·K·V elements per lane stays
 *     with the engine
 * @param rounded whether operands of products are rounded to bf16, see {@link #bfloat16}
 * @since 0.1
 */
public record ChunkwiseForm(int chunk, boolean rounded) implements RetentionForm {
  /** The fastest of 16…256 at the paper's head shape, K 256 and V 512, on AVX-512 and AMX cores. */
  public static final int DEFAULT_CHUNK = 64;

  /** A longer chunk is computed as chunks of this many: scores grow with its square. */
  private static final int LARGEST = 1024;

  /** Uses {@link #DEFAULT_CHUNK}. */
  public ChunkwiseForm() {
    this(DEFAULT_CHUNK);
  }

  /** Rounds nothing. */
  public ChunkwiseForm(int chunk) {
    this(chunk, false);
  }

  /**
   * Checks the chunk size.
   *
   * @throws IllegalArgumentException if chunk &lt; 1
   */
  public ChunkwiseForm {
    if (chunk < 1) {
      throw new IllegalArgumentException("expected a chunk of at least 1 token, got " + chunk);
    }
  }

  @Override
  public String name() {
    return "chunkwise";
  }

  /** Micro-batches are whole chunks. */
  @Override
  public MicroBatches microBatches() {
    return new MicroBatches(Math.min(chunk, LARGEST));
  }

  /**
   * {@inheritDoc} Gradients of log decays, differences of sums that grow with T, suffer most.
   * Numbers from 3.39e38 on are rounded to infinity, which earlier tokens of a chunk then see.
   */
  @Override
  public ChunkwiseForm bfloat16() {
    return new ChunkwiseForm(chunk, true);
  }

  private TileOps tiles(Lane lane, int keyWidth, int valueWidth) {
    TileOps tiles = lane.tiles(keyWidth, valueWidth);
    return rounded ? tiles.bfloat16() : tiles;
  }

  @Override
  public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
    return new ChunkKernel(
        lane, tiles(lane, keyWidth, valueWidth), Math.min(chunk, LARGEST), keyWidth, valueWidth);
  }

  @Override
  public HeadGradient prepareGradient(Lane lane, int keyWidth, int valueWidth) {
    return new ChunkGradient(
        lane, tiles(lane, keyWidth, valueWidth), Math.min(chunk, LARGEST), keyWidth, valueWidth);
  }
}
