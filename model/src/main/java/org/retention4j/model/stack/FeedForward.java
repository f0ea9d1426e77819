package org.retention4j.model.stack;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.args.Args;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.ProjectedRows;
import org.retention4j.nn.TokenTask;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/**
 * A feed-forward: gated, W_down( f(x W_gate + b_gate) ⊙ (x W_up + b_up) ) + b_down, which is SwiGLU
 * with f = silu, or plain, W_down f(x W_up + b_up) + b_down. Immutable and shared.
 *
 * @since 0.1
 */
public final class FeedForward implements AutoCloseable {
  private static final double[] NONE = {};

  private final Engine engine;
  private final Shape shape;

  /** None where it is plain. */
  private final PackedMatrix gate;

  private final PackedMatrix up;
  private final PackedMatrix down;
  private final double[] gateBias;
  private final double[] upBias;
  private final double[] downBias;

  /**
   * What a feed-forward is like.
   *
   * @param modelWidth D
   * @param hidden I
   * @param activation f
   * @param gated whether it is gated, or plain
   * @param bias whether its products have biases
   */
  public record Shape(
      int modelWidth, int hidden, Activation activation, boolean gated, boolean bias) {
    /** Checks the sizes. */
    public Shape {
      Args.present("activation of a feed-forward", activation);
      if (modelWidth < 1 || hidden < 1) {
        throw new IllegalArgumentException(
            "expected a feed-forward of widths >= 1, got " + modelWidth + " and " + hidden);
      }
    }

    /** Returns the weights in order: "gate" (I,D) if gated, "up" (I,D), "down" (D,I), biases. */
    public List<WeightSpec> weights() {
      List<WeightSpec> all = new ArrayList<>();
      if (gated) {
        all.add(WeightSpec.matrix("gate", hidden, modelWidth));
      }
      all.add(WeightSpec.matrix("up", hidden, modelWidth));
      all.add(WeightSpec.matrix("down", modelWidth, hidden));
      if (bias) {
        List.copyOf(all).forEach(w -> all.add(WeightSpec.bias(w.name() + " bias", w.rows())));
      }
      return all;
    }

    /** Returns the number of weights. */
    public long parameters() {
      return weights().stream().mapToLong(WeightSpec::elements).sum();
    }
  }

  private FeedForward(
      Engine engine, Shape shape, PackedMatrix[] matrices, double[] gateBias, double[][] biases) {
    this.engine = engine;
    this.shape = shape;
    gate = matrices[0];
    up = matrices[1];
    down = matrices[2];
    this.gateBias = gateBias;
    upBias = biases[0];
    downBias = biases[1];
  }

  /**
   * Takes over packed weights of a gated one without biases and closes them when it is closed.
   *
   * @param gate (I,D)
   * @param up (I,D)
   * @param down (D,I)
   * @param activation f
   * @throws IllegalArgumentException if the shapes do not join
   */
  public FeedForward(
      Engine engine, PackedMatrix gate, PackedMatrix up, PackedMatrix down, Activation activation) {
    this(
        engine,
        new Shape(gate.inputs(), gate.outputs(), activation, true, false),
        new PackedMatrix[] {gate, up, down},
        NONE,
        new double[][] {NONE, NONE});
    WeightSpec.matrix("feed-forward's up", gate.outputs(), gate.inputs()).check(up);
    WeightSpec.matrix("feed-forward's down", gate.inputs(), gate.outputs()).check(down);
  }

  /**
   * Takes the weights that a shape asks for and closes them when it is closed.
   *
   * @throws IllegalArgumentException if one is missing or does not fit
   */
  public static FeedForward of(Shape shape, WeightSource source) {
    PackedMatrix[] matrices = new PackedMatrix[3];
    double[][] biases = {NONE, NONE, NONE};
    boolean whole = false;
    try {
      for (WeightSpec weight : shape.weights()) {
        int place = List.of("gate", "up", "down").indexOf(weight.name().split(" ")[0]);
        if (weight.isMatrix()) {
          matrices[place] = source.matrix(weight);
          weight.check(matrices[place]);
        } else {
          biases[place] = weight.check(source.vector(weight));
        }
      }
      whole = true;
    } finally {
      for (PackedMatrix matrix : matrices) {
        if (!whole && matrix != null) {
          matrix.close();
        }
      }
    }
    return new FeedForward(
        source.engine(), shape, matrices, biases[0], new double[][] {biases[1], biases[2]});
  }

  /** Returns a SwiGLU with seeded random weights, uniform with variance 1/in. */
  public static FeedForward random(
      Engine engine, int modelWidth, int hidden, WeightType type, long seed) {
    return random(engine, modelWidth, hidden, Activation.SILU, type, seed);
  }

  /** Returns a gated feed-forward with seeded random weights, uniform with variance 1/in. */
  public static FeedForward random(
      Engine engine,
      int modelWidth,
      int hidden,
      Activation activation,
      WeightType type,
      long seed) {
    return of(
        new Shape(modelWidth, hidden, activation, true, false),
        WeightSource.random(engine, type, seed));
  }

  /** Returns what it is like. */
  public Shape shape() {
    return shape;
  }

  /** Returns the number of weights. */
  public long parameters() {
    return shape.parameters();
  }

  /** Returns the bytes of the packed weights. */
  public long weightBytes() {
    return (shape.gated() ? gate.bytes() : 0) + up.bytes() + down.bytes();
  }

  /**
   * Returns W_gate (I,D), which stays the feed-forward's.
   *
   * @throws IllegalStateException if it is plain
   */
  public PackedMatrix gate() {
    if (!shape.gated()) {
      throw new IllegalStateException("expected a gated feed-forward, got a plain one");
    }
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

  /** Returns b_gate (I), empty for none; not to be changed. */
  public double[] gateBias() {
    return gateBias;
  }

  /** Returns b_up (I), empty for none; not to be changed. */
  public double[] upBias() {
    return upBias;
  }

  /** Returns b_down (D), empty for none; not to be changed. */
  public double[] downBias() {
    return downBias;
  }

  /** Returns f. */
  public Activation activation() {
    return shape.activation();
  }

  int modelWidth() {
    return shape.modelWidth();
  }

  /** Binds the feed-forward to a piece. */
  Plan bind(MicroBatch piece) {
    return new Plan(piece);
  }

  @Override
  public void close() {
    if (shape.gated()) {
      gate.close();
    }
    up.close();
    down.close();
  }

  /** The feed-forward bound to its tiles. */
  final class Plan implements AutoCloseable {
    private final Buffers arena = engine.newBuffers();
    private final MatMulGroup toHidden;
    private final MatMulGroup toModel;

    /** What biases ask for; nothing without them. */
    private final TokenTask between;

    private final TokenTask behind;
    private final RowView hidden;
    private final RowView factors;
    private final ProjectedRows activated;
    private final ProjectedRows lifted;
    private final ProjectedRows lowered;

    private Plan(MicroBatch piece) {
      int width = shape.hidden();
      Tile h = piece.scratch().tile(piece.rows(), width);
      Tile u = shape.gated() ? piece.scratch().tile(piece.rows(), width) : null;
      MatMulGroup products = piece.matMuls(engine, arena, piece.x());
      PackedMatrix first = shape.gated() ? gate : up;
      if (shape.bias()) {
        toHidden = products.add(first, h, Activation.NONE);
        if (shape.gated()) {
          products.add(up, u, Activation.NONE);
        }
      } else {
        toHidden =
            shape.gated()
                ? products.addGated(gate, up, h, u, activation())
                : products.add(first, h, activation());
      }
      toModel = piece.matMuls(engine, arena, h).add(down, piece.y(), Activation.NONE);
      int tokens = piece.tokens();
      hidden = h.asRows(tokens, width);
      factors = u == null ? null : u.asRows(tokens, width);
      activated = ProjectedRows.of(hidden, shape.gated() ? gateBias : upBias, activation());
      lifted = u == null ? null : ProjectedRows.of(factors, upBias, Activation.NONE);
      lowered = ProjectedRows.of(piece.y().asRows(tokens, modelWidth()), downBias, Activation.NONE);
      between = new TokenTask(engine, this::addBiases);
      behind = new TokenTask(engine, (lane, b, t) -> lowered.finish(lane, b, t, 0));
    }

    private void addBiases(Lane lane, int b, int t) {
      activated.finish(lane, b, t, 0);
      if (lifted != null) {
        lifted.finish(lane, b, t, 0);
        lane.rows().multiply(hidden, factors, b, t, 0);
      }
    }

    void run(int[] counts) {
      toHidden.run();
      if (shape.bias()) {
        between.run(counts);
      }
      toModel.run();
      if (shape.bias()) {
        behind.run(counts);
      }
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
