package org.retention4j.model.stack;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.core.Resets;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.mixer.MixerState;

/**
 * Decoder layers, one behind the other, bound to a tile of residuals that they add to. It remembers
 * nothing of sequences.
 *
 * @since 0.1
 */
public final class StackPlan implements AutoCloseable {
  private final Buffers buffers;
  private final Scratch scratch;
  private final RowView residual;
  private final List<LayerPlan> layers = new ArrayList<>();

  /**
   * Binds layers of one width, which stay the caller's.
   *
   * @param batch B
   * @param tokens N, the most of a row in one run
   * @param bfloat16Products whether products may round both operands to bf16
   */
  public StackPlan(
      Engine engine,
      List<DecoderLayer> parts,
      SequenceForm form,
      int batch,
      int tokens,
      boolean bfloat16Products) {
    int width = parts.get(0).modelWidth();
    buffers = engine.newBuffers();
    scratch = engine.newScratch();
    boolean done = false;
    try {
      Tile residuals = buffers.tile(batch * tokens, width);
      residual = residuals.asRows(tokens, width);
      for (DecoderLayer layer : parts) {
        layers.add(
            new LayerPlan(
                engine,
                layer,
                form,
                batch,
                tokens,
                residuals,
                scratch,
                bfloat16Products,
                layers.isEmpty() ? null : layers.get(layers.size() - 1)));
      }
      done = true;
    } finally {
      if (!done) {
        close();
      }
    }
  }

  /** Returns the residuals (B,N,D): inputs before a run, outputs after it. */
  public RowView residual() {
    return residual;
  }

  Buffers buffers() {
    return buffers;
  }

  Scratch scratch() {
    return scratch;
  }

  /** Returns the bytes of the tiles it holds. */
  public long bytes() {
    return buffers.bytes() + scratch.bytes();
  }

  /**
   * Advances states over the residuals, under the engine's lock.
   *
   * @param states one for each layer, see {@link org.retention4j.model.mixer.TokenMixer#newState}
   * @param counts (B) tokens of each row, 0…N
   * @param resets of the whole rows
   * @param first the index of token 0 in the whole rows
   */
  public void run(MixerState[] states, int[] counts, Resets resets, int first) {
    for (int i = 0; i < states.length; i++) {
      layers.get(i).run(states[i], counts, resets, first);
    }
    layers.get(states.length - 1).end(counts);
  }

  @Override
  public void close() {
    layers.forEach(LayerPlan::close);
    scratch.close();
    buffers.close();
  }
}
