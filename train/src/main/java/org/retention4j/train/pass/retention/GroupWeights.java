package org.retention4j.train.pass.retention;

import java.util.Arrays;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.RowBlocks;

/** The weight of a norm over groups: none, one for all groups, or one for each. */
final class GroupWeights {
  private static final double[] NONE = {};

  /** Null for none. */
  private final Parameter weight;

  private final int size;

  /** What was cut, to be cut again when it is another. */
  private double[] whole = NONE;

  private double[][] parts = {NONE};

  /**
   * Binds.
   *
   * @param weight (C/G) for all groups, (C), or null
   * @param size C/G
   */
  GroupWeights(Parameter weight, int size) {
    this.weight = weight;
    this.size = size;
  }

  /** Takes the weight as it is now; before lanes use it. */
  void refresh() {
    if (weight == null || weight.vector() == whole) {
      return;
    }
    whole = weight.vector();
    double[][] cut = new double[whole.length / size][];
    Arrays.setAll(cut, i -> Arrays.copyOfRange(whole, i * size, (i + 1) * size));
    parts = cut;
  }

  /** Returns the weight of a group (C/G), empty for none. */
  double[] of(int group) {
    return parts[parts.length == 1 ? 0 : group];
  }

  /** Returns the weight of all groups, or of each alike (C/G); empty for none. */
  double[] whole() {
    return whole;
  }

  /** Returns how many sums the weight's gradient takes. */
  int sums() {
    return weight == null ? 0 : weight.columns();
  }

  /** Returns where among them those of a group begin. */
  int at(int group) {
    return parts.length == 1 ? 0 : group * size;
  }

  /** Adds the first sums of a run to the weight's gradient. */
  void add(RowBlocks blocks) {
    if (weight != null) {
      blocks.add(weight.vectorGradient(), 0);
    }
  }
}
