package org.retention4j.model.stack;

import java.util.SplittableRandom;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.Init;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.WeightSpec;

/**
 * The gated feed-forward W_down( f(x W_gate) ⊙ x W_up ): SwiGLU with f = silu. Immutable and
 * shared.
 *
 * @since 0.1
 */
public final class FeedForward implements AutoCloseable {
  private final Engine engine;
  private final PackedMatrix gate;
  private final PackedMatrix up;
  private final PackedMatrix down;
  private final Activation activation;

  /**
   * Takes over packed weights and closes them when it is closed.
   *
   * @param gate (I,D)
   * @param up (I,D)
   * @param down (D,I)
   * @param activation f
   * @throws IllegalArgumentException if the shapes do not join
   */
  public FeedForward(
      Engine engine, PackedMatrix gate, PackedMatrix up, PackedMatrix down, Activation activation) {
    WeightSpec.matrix("feed-forward's up", gate.outputs(), gate.inputs()).check(up);
    WeightSpec.matrix("feed-forward's down", gate.inputs(), gate.outputs()).check(down);
    this.engine = engine;
    this.gate = gate;
    this.up = up;
    this.down = down;
    this.activation = activation;
  }

  /** Returns a SwiGLU with seeded random weights, uniform with variance 1/in. */
  public static FeedForward random(
      Engine engine, int modelWidth, int hidden, WeightType type, long seed) {
    return random(engine, modelWidth, hidden, Activation.SILU, type, seed);
  }

  /** Returns a feed-forward with seeded random weights, uniform with variance 1/in. */
  public static FeedForward random(
      Engine engine,
      int modelWidth,
      int hidden,
      Activation activation,
      WeightType type,
      long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return new FeedForward(
        engine,
        engine.pack(Init.uniform(random, hidden, modelWidth), type),
        engine.pack(Init.uniform(random, hidden, modelWidth), type),
        engine.pack(Init.uniform(random, modelWidth, hidden), type),
        activation);
  }

  /** Returns the number of weights. */
  public long parameters() {
    return 3L * gate.inputs() * gate.outputs();
  }

  /** Returns the bytes of the packed weights. */
  public long weightBytes() {
    return gate.bytes() + up.bytes() + down.bytes();
  }

  /** Returns W_gate (I,D), which stays the feed-forward's. */
  public PackedMatrix gate() {
    return gate;
  }

  /** Returns W_up (I,D), which stays the feed-forward's. */
  public PackedMatrix up() {
    return up;
  }

  /** Returns W_down (D,I), which stays the feed-forward's. */
  public PackedMatrix down() {
    return down;
  }

  /** Returns f. */
  public Activation activation() {
    return activation;
  }

  int modelWidth() {
    return gate.inputs();
  }

  /** Binds the feed-forward to a piece. */
  Plan bind(MicroBatch piece) {
    return new Plan(piece);
  }

  @Override
  public void close() {
    gate.close();
    up.close();
    down.close();
  }

  /** The feed-forward bound to its tiles. */
  final class Plan implements AutoCloseable {
    private final Buffers arena = engine.newBuffers();
    private final MatMulGroup toHidden;
    private final MatMulGroup toModel;

    private Plan(MicroBatch piece) {
      Tile g = piece.scratch().tile(piece.rows(), gate.outputs());
      Tile u = piece.scratch().tile(piece.rows(), up.outputs());
      toHidden = piece.matMuls(engine, arena, piece.x()).addGated(gate, up, g, u, activation);
      toModel = piece.matMuls(engine, arena, g).add(down, piece.y(), Activation.NONE);
    }

    void run() {
      toHidden.run();
      toModel.run();
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
