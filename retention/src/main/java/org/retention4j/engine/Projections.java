package org.retention4j.engine;

import java.util.ArrayList;
import java.util.List;

/**
 * Products of one tile with several weight matrices, which the lanes share out as one task: y ←
 * activation(x·Wᵀ), or the gated product of two. Bound once; running it allocates nothing.
 */
public final class Projections {
  private final Engine engine;
  private final Arena owner;
  private final Scratch scratch;
  private final Tile x;
  private final boolean bfloat16;
  private final List<Operand> operands = new ArrayList<>();
  private final List<Projection> projections = new ArrayList<>();
  private final LaneTask convert = this::convert;
  private final LaneTask project = this::project;
  private int conversions;
  private int parts;

  /**
   * Begins with none.
   *
   * @param owner owns what the bindings need
   * @param scratch gives what bindings may share that never run side by side
   * @param x (M,in)
   * @param bfloat16 whether x may be rounded to bf16 for bf16 weights when it has many rows, which
   *     is faster and less exact; no notice is taken where {@link Engine#multipliesBfloat16} is
   *     false
   */
  public Projections(Engine engine, Arena owner, Scratch scratch, Tile x, boolean bfloat16) {
    this.engine = engine;
    this.owner = owner;
    this.scratch = scratch;
    this.x = x;
    this.bfloat16 = bfloat16;
  }

  /**
   * Adds y ← activation(x·Wᵀ).
   *
   * @param w (out,in)
   * @param y (M,out)
   * @throws IllegalArgumentException if the shapes do not join
   */
  public Projections add(PackedMatrix w, Tile y, Activation activation) {
    return add(project(w, engine.block(operand(w), w), y, activation));
  }

  /**
   * Adds y ← activation(x·Gᵀ) ⊙ (x·Uᵀ).
   *
   * @param gate G, (out,in)
   * @param up U, (out,in)
   * @param y (M,out)
   * @param raised (M,out), receives x·Uᵀ
   * @param activation of x·Gᵀ
   * @throws IllegalArgumentException if the shapes do not join
   */
  public Projections addGated(
      PackedMatrix gate, PackedMatrix up, Tile y, Tile raised, Activation activation) {
    if (gate.outputs() != up.outputs()) {
      throw new IllegalArgumentException(
          "expected as many outputs of gate and up, got "
              + gate.outputs()
              + " and "
              + up.outputs());
    }
    int block = Math.max(engine.block(operand(gate), gate), engine.block(operand(up), up));
    return add(
        new GatedProjection(
            project(gate, block, y, activation), project(up, block, raised, Activation.NONE)));
  }

  private Projections add(Projection projection) {
    projections.add(projection);
    parts += projection.parts();
    return this;
  }

  private Projection project(PackedMatrix w, int block, Tile y, Activation activation) {
    return engine.project(owner, scratch, operand(w), w, block, y, activation);
  }

  private Operand operand(PackedMatrix w) {
    Operand.Kind kind = engine.operandKind(x, w, bfloat16);
    for (Operand operand : operands) {
      if (operand.kind() == kind) {
        return operand;
      }
    }
    Operand operand = engine.operand(owner, scratch, x, kind);
    operands.add(operand);
    conversions += operand.parts();
    return operand;
  }

  /** Computes all of them from what stands in x now. */
  public void run() {
    engine.run(conversions, convert);
    engine.run(parts, project);
  }

  private void convert(Lane lane, int index) {
    int part = index;
    int i = 0;
    while (part >= operands.get(i).parts()) {
      part -= operands.get(i++).parts();
    }
    operands.get(i).run(lane, part);
  }

  private void project(Lane lane, int index) {
    int part = index;
    int i = 0;
    while (part >= projections.get(i).parts()) {
      part -= projections.get(i++).parts();
    }
    projections.get(i).run(lane, part);
  }

  /** Returns the implementation of the last product, as oneDNN names it. */
  public String implementation() {
    return projections.get(projections.size() - 1).implementation();
  }
}
