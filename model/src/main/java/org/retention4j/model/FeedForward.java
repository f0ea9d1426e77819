package org.retention4j.model;

import java.util.SplittableRandom;
import org.retention4j.core.RetentionParameters;
import org.retention4j.engine.Activation;
import org.retention4j.engine.Arena;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Lane;
import org.retention4j.engine.LaneTask;
import org.retention4j.engine.PackedMatrix;
import org.retention4j.engine.Projection;
import org.retention4j.engine.Rows;
import org.retention4j.engine.Tile;
import org.retention4j.engine.WeightType;

/** The gated feed-forward W_down( silu(x W_gate) ⊙ x W_up ), SwiGLU. Immutable and shared. */
public final class FeedForward implements AutoCloseable {
  private final Engine engine;
  private final PackedMatrix gate;
  private final PackedMatrix up;
  private final PackedMatrix down;

  /**
   * Takes over packed weights and closes them when it is closed.
   *
   * @param gate (I,D)
   * @param up (I,D)
   * @param down (D,I)
   */
  public FeedForward(Engine engine, PackedMatrix gate, PackedMatrix up, PackedMatrix down) {
    if (up.inputs() != gate.inputs()
        || up.outputs() != gate.outputs()
        || down.inputs() != gate.outputs()
        || down.outputs() != gate.inputs()) {
      throw new IllegalArgumentException(
          String.format(
              "expected gate (I,D), up (I,D) and down (D,I), got (%d,%d), (%d,%d) and (%d,%d)",
              gate.outputs(),
              gate.inputs(),
              up.outputs(),
              up.inputs(),
              down.outputs(),
              down.inputs()));
    }
    this.engine = engine;
    this.gate = gate;
    this.up = up;
    this.down = down;
  }

  /** Returns a feed-forward with seeded random weights, uniform with variance 1/in. */
  public static FeedForward random(
      Engine engine, int modelWidth, int hidden, WeightType type, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return new FeedForward(
        engine,
        engine.pack(RetentionParameters.uniform(random, hidden, modelWidth), type),
        engine.pack(RetentionParameters.uniform(random, hidden, modelWidth), type),
        engine.pack(RetentionParameters.uniform(random, modelWidth, hidden), type));
  }

  /** Returns the number of weights. */
  public long parameters() {
    return 3L * gate.inputs() * gate.outputs();
  }

  /** Returns the bytes of the packed weights. */
  public long weightBytes() {
    return gate.bytes() + up.bytes() + down.bytes();
  }

  int modelWidth() {
    return gate.inputs();
  }

  /** Binds the feed-forward to tiles of M rows. */
  Pass bind(Tile x, Tile y) {
    return new Pass(x, y);
  }

  @Override
  public void close() {
    gate.close();
    up.close();
    down.close();
  }

  /** The feed-forward bound to its tiles. */
  final class Pass implements AutoCloseable {
    private static final int BLOCK = 16;

    private final Arena arena = new Arena();
    private final Projection gating;
    private final Projection raising;
    private final Projection lowering;
    private final int rows;
    private final Rows gated;
    private final Rows raised;
    private final LaneTask project = this::project;
    private final LaneTask multiply = this::multiply;
    private final LaneTask lower;

    private Pass(Tile x, Tile y) {
      rows = x.rows();
      Tile g = engine.tile(arena, rows, gate.outputs());
      Tile u = engine.tile(arena, rows, up.outputs());
      gated = Rows.of(g, rows, gate.outputs());
      raised = Rows.of(u, rows, up.outputs());
      gating = engine.project(arena, x, gate, g, Activation.SILU);
      raising = engine.project(arena, x, up, u, Activation.NONE);
      lowering = engine.project(arena, g, down, y, Activation.NONE);
      lower = lowering::run;
    }

    void run() {
      engine.run(gating.parts() + raising.parts(), project);
      engine.run((rows + BLOCK - 1) / BLOCK, multiply);
      engine.run(lowering.parts(), lower);
    }

    private void project(Lane lane, int index) {
      if (index < gating.parts()) {
        gating.run(lane, index);
      } else {
        raising.run(lane, index - gating.parts());
      }
    }

    private void multiply(Lane lane, int block) {
      for (int t = block * BLOCK; t < Math.min(rows, (block + 1) * BLOCK); t++) {
        lane.multiply(gated, raised, 0, t, 0);
      }
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
