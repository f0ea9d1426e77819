package org.retention4j.train.plan;

import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.MixerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.nn.NormConfig;
import org.retention4j.nn.NormKind;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.pass.attention.KeyBlocks;

/** The tiles that the passes of a layer ask for, by what becomes of them. */
final class LayerMemory {
  /** Tokens of a chunk. */
  private static final double CHUNK = 64;

  /** Rows of a transposed operand that oneDNN copies as a whole, and about how many of more. */
  private static final double WHOLE = 512;

  private static final double PART = 256;

  /** Rounded copies of an input that is fp32: one for either way. */
  private static final int COPIES = 2;

  private final Shelves kept = new Shelves();
  private final Shelves shared = new Shelves();
  private final Shelves rounded = new Shelves();
  private final int batch;
  private final int length;
  private final long rows;
  private final boolean bf16;
  private double states;
  private AtHand atHand = new AtHand("", 0, 0, 0);

  /**
   * What a lane has at hand for a mixer; layers of the same shape have the same.
   *
   * @param mixer what kind it is
   * @param first what its shape says, and second
   * @param numbers in it
   */
  record AtHand(String mixer, int first, int second, double numbers) {}

  /**
   * Asks.
   *
   * @param batch rows B of a batch
   * @param length tokens T of a row
   * @param bf16 whether operands of products are rounded
   */
  LayerMemory(LayerConfig layer, int batch, int length, boolean bf16) {
    this.batch = batch;
    this.length = length;
    rows = (long) batch * length;
    this.bf16 = bf16;
    int width = layer.modelWidth();
    int hidden = layer.hidden();
    boolean gated = layer.feedForward().gated();
    // Two normed inputs and the sum between them; a branch and its gradient.
    boolean roundedInputs = bf16 && layer.norm().equals(NormConfig.RMS);
    kept.add(roundedInputs ? 1 : 3, rows, width);
    if (roundedInputs) {
      kept.addBlocks(2, rows * width / 2);
    }
    shared.add(2, rows, width);
    mixer(layer.mixer(), width, roundedInputs ? 0 : COPIES);
    // Gate and up; h and its gradient.
    kept.add(gated ? 2 : 1, rows, hidden);
    shared.add(bf16 ? 1 : 2, rows, hidden);
    linears(width, roundedInputs ? 0 : COPIES, hidden, gated ? hidden : 0);
    linears(hidden, 1, width);
  }

  private void mixer(MixerConfig mixer, int width, int copies) {
    RetentionConfig block =
        RetentionMixerConfig.matching(mixer).map(RetentionMixerConfig::block).orElse(null);
    if (block != null) {
      retention(block, copies);
    } else if (mixer instanceof AttentionConfig attention) {
      attention(attention, copies);
    } else {
      // One that brings its own pass: four inputs of its core and their gradients, say.
      kept.add(4, rows, width);
      shared.add(4, rows, width);
      mixer.weights().stream().filter(WeightSpec::isMatrix).forEach(this::linear);
    }
  }

  private void linear(WeightSpec w) {
    linears(w.columns(), COPIES, w.rows());
  }

  /**
   * Linear maps of one input, 0 for one that there is not.
   *
   * @param inputs how often the input is there rounded and is nobody else's
   */
  private void linears(long in, int inputs, long... outputs) {
    // Rounded: the weights for both ways, gradients of outputs for one.
    rounded.addBlocks(inputs, rows * in);
    for (long out : outputs) {
      if (out > 0) {
        rounded.addBlocks(2, in * out);
        rounded.addBlocks(1, rows * out);
      }
    }
  }

  private void retention(RetentionConfig c, int copies) {
    long queries = (long) c.heads() * c.keyWidth();
    long keys = (long) c.kvHeads() * c.keyWidth();
    long values = (long) c.kvHeads() * c.valueWidth();
    long out = (long) c.heads() * c.valueWidth();
    // q, k and v, before and behind maps and norms where there are such, and their gradients.
    boolean mapped = c.featureMap() != Activation.NONE || c.queryKeyNorm();
    kept.add(mapped ? 2 : 1, rows, queries).add(mapped ? 2 : 1, rows, keys);
    kept.add(c.valueMap() == Activation.NONE ? 1 : 2, rows, values);
    shared.add(1, rows, queries).add(1, rows, keys).add(1, rows, values);
    // o and g; z and its gradient, and what is between norm and gate.
    kept.add(c.gated() ? 2 : 1, rows, out);
    boolean roundedZ = bf16 && c.gated() && c.norm().kind() == NormKind.RMS && !c.norm().bias();
    shared.add((c.gated() ? 3 : 2) - (roundedZ ? 1 : 0), rows, out);
    // The states that leave the segment.
    kept.add(1, (long) batch * c.heads() * c.keyWidth(), c.valueWidth());
    states = (double) batch * c.heads() * c.keyWidth() * c.valueWidth();
    linears(c.modelWidth(), copies, queries, keys, values, c.gated() ? out : 0);
    linears(out, roundedZ ? 1 : COPIES, c.modelWidth());
    atHand = new AtHand("retention", c.keyWidth(), c.valueWidth(), chunks(c));
  }

  /** Returns what a lane has for the chunks of a head, forwards and back. */
  private double chunks(RetentionConfig c) {
    double state = (double) c.keyWidth() * c.valueWidth();
    // Queries and keys 3 and 5 times, values and outputs 2 and 5, scores 1 and 2, states 2 and 3,
    // and those that run along.
    double tiles = CHUNK * (8 * c.keyWidth() + 7 * c.valueWidth() + 3 * CHUNK) + state * (5 + 2);
    // What products copy of a transposed operand, or sum up, each with room of its own.
    double products = CHUNK * (7 * c.keyWidth() + 4 * c.valueWidth() + 2 * CHUNK);
    double statesAtStarts = state * Math.ceil(length / CHUNK);
    return tiles + products + statesAtStarts;
  }

  private void attention(AttentionConfig c, int copies) {
    long queries = (long) c.heads() * c.headWidth();
    long keys = (long) c.kvHeads() * c.headWidth();
    // q and o, k and v; and the gradients of all four.
    kept.add(2, rows, queries).add(2, rows, keys);
    shared.add(2, rows, queries).add(2, rows, keys);
    linears(c.modelWidth(), copies, queries, keys, keys);
    linears(queries, COPIES, c.modelWidth());
    int blocks = KeyBlocks.most(length, c.window());
    atHand = new AtHand(AttentionConfig.KIND, c.headWidth(), blocks, blocks(c, blocks));
  }

  /** Returns what a lane has for a block of queries and the keys that it sees. */
  private double blocks(AttentionConfig c, int most) {
    double block = KeyBlocks.BLOCK;
    double seen = block * KeyBlocks.rounded(most);
    // A block of q, of o and of its gradient; keys, values and the gradients of both; scores and
    // theirs.
    double numbers = c.headWidth() * (3 * block + 4 * seen) + 2 * block * seen;
    for (int prepared : KeyBlocks.prepared(most)) {
      // Products have room of their own: two that multiply by the transposed keys or values copy a
      // block of those, two that add to gradients copy transposed scores and sum apart.
      double n = block * prepared;
      double copied = n > WHOLE ? PART : n;
      numbers += 2 * block * c.headWidth() + 2 * copied * (block + c.headWidth());
    }
    return numbers;
  }

  /** Returns what is written on the way forth and read on the way back. */
  Shelves kept() {
    return kept;
  }

  /** Returns what means nothing outside a call of a pass. */
  Shelves shared() {
    return shared;
  }

  /** Returns the operands of products, where they are rounded. */
  Shelves rounded() {
    return rounded;
  }

  /** Returns the numbers of the states that streams carry on, for one micro-batch. */
  double states() {
    return states;
  }

  /** Returns what a lane has at hand. */
  AtHand atHand() {
    return atHand;
  }
}
