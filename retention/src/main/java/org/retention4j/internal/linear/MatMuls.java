package org.retention4j.internal.linear;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.Tile;

/** Products of one tile: each form that weights name is prepared once, then all lanes multiply. */
public final class MatMuls implements MatMulGroup {
  private final Lanes lanes;
  private final ElementType type;
  private final PlanContext context;
  private final Tile x;
  private final boolean bfloat16;
  private final Map<InputForm, PreparedInput> prepared = new HashMap<>();
  private final List<PreparedInput> inputs = new ArrayList<>();
  private final List<MatMul> products = new ArrayList<>();
  private final Lanes.Task convert = this::convert;
  private final Lanes.Task multiply = this::multiply;
  private int conversions;
  private int parts;

  /**
   * Begins with none.
   *
   * @param type of the engine
   * @param x (M,in)
   * @param bfloat16 whether x may be rounded to bf16 for bf16 weights
   */
  public MatMuls(Lanes lanes, ElementType type, PlanContext context, Tile x, boolean bfloat16) {
    this.lanes = lanes;
    this.type = type;
    this.context = context;
    this.x = x;
    this.bfloat16 = bfloat16;
  }

  @Override
  public MatMulGroup add(PackedMatrix w, Tile y, Activation activation) {
    PackedWeights weights = checked(w, y);
    return add(plan(weights, weights.blockOutputs(form(weights)), y, activation));
  }

  @Override
  public MatMulGroup addGated(
      PackedMatrix gate, PackedMatrix up, Tile y, Tile upTile, Activation activation) {
    if (gate.outputs() != up.outputs()) {
      throw new IllegalArgumentException(
          "expected as many outputs of gate and up, got "
              + gate.outputs()
              + " and "
              + up.outputs());
    }
    PackedWeights g = checked(gate, y);
    PackedWeights u = checked(up, upTile);
    int block = Math.max(g.blockOutputs(form(g)), u.blockOutputs(form(u)));
    return add(
        new GatedMatMul(plan(g, block, y, activation), plan(u, block, upTile, Activation.NONE)));
  }

  private PackedWeights checked(PackedMatrix w, Tile y) {
    if (!(w instanceof PackedWeights weights) || weights.computes() != type) {
      throw new IllegalArgumentException(
          "expected weights packed for a " + type + " engine, got weights of another engine type");
    }
    if (x.columns() != w.inputs() || y.columns() != w.outputs() || x.rows() != y.rows()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected x (M,%d) and y (M,%d), got x (%d,%d) and y (%d,%d)",
              w.inputs(),
              w.outputs(),
              x.rows(),
              x.columns(),
              y.rows(),
              y.columns()));
    }
    return weights;
  }

  private InputForm form(PackedWeights w) {
    return w.inputForm(x.rows(), bfloat16);
  }

  private MatMul plan(PackedWeights w, int block, Tile y, Activation activation) {
    return lanes.withOneThread(() -> w.plan(context, input(form(w)), block, y, activation));
  }

  private PreparedInput input(InputForm form) {
    PreparedInput known = prepared.get(form);
    if (known != null) {
      return known;
    }
    PreparedInput input = form.prepare(context, x);
    prepared.put(form, input);
    inputs.add(input);
    conversions += input.parts();
    return input;
  }

  private MatMulGroup add(MatMul product) {
    products.add(product);
    parts += product.parts();
    return this;
  }

  @Override
  public void run() {
    lanes.run(conversions, convert);
    lanes.run(parts, multiply);
  }

  private void convert(Lane lane, int index) {
    int part = index;
    int i = 0;
    while (part >= inputs.get(i).parts()) {
      part -= inputs.get(i++).parts();
    }
    inputs.get(i).run(lane, part);
  }

  private void multiply(Lane lane, int index) {
    int part = index;
    int i = 0;
    while (part >= products.get(i).parts()) {
      part -= products.get(i++).parts();
    }
    products.get(i).run(lane, part);
  }

  @Override
  public String implementation() {
    return products.get(products.size() - 1).implementation();
  }
}
