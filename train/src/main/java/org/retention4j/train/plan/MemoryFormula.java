package org.retention4j.train.plan;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.core.RetentionConfig;
import org.retention4j.engine.ops.Activation;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.nn.WeightSpec;
import org.retention4j.train.TrainerOptions;

/**
 * The memory of a step's passes in numbers of the engine's type, tile by tile as those of a decoder
 * ask for them.
 */
public final class MemoryFormula {
  /** Logits that the head computes at once, unless a few rows have more. */
  private static final long LOGITS = 1 << 20;

  private static final long FEWEST_ROWS = 64;

  /** Tokens of a chunk, or of a tile, that a lane has at hand. */
  private static final double CHUNK = 64;

  /** Rows of both operands, and of the result, that a product of weights' gradients packs. */
  private static final double SUMMED = 512;

  private static final double SLAB = 128;

  /** What a number of bf16 takes of one of fp32. */
  private static final double HALF = 0.5;

  private final DecoderConfig config;
  private final TrainerOptions trainer;
  private final int lanes;
  private final double batch;
  private final double rows;

  /**
   * Begins.
   *
   * @param batch rows B of a batch
   * @param length tokens T of a row
   * @param lanes of the engine, at least 1
   */
  public MemoryFormula(
      DecoderConfig config, int batch, int length, TrainerOptions trainer, int lanes) {
    this.config = config;
    this.trainer = trainer;
    this.lanes = lanes;
    this.batch = batch;
    rows = (double) batch * length;
  }

  /** Returns the numbers that are written on the way forth and back. */
  public double activations() {
    int width = config.modelWidth();
    // The embedded tokens, the output of each layer, and one gradient for all of them.
    double sum = rows * width * (2 + (config.embeddingNorm() ? 1 : 0));
    double kept = 0;
    double largest = 0;
    double shared = 0;
    double atHand = 0;
    double widest = width;
    for (LayerConfig layer : config.layers()) {
      Part part = part(layer);
      sum += rows * width + trainer.microBatches() * part.states();
      kept += part.kept();
      largest = Math.max(largest, part.kept());
      shared = Math.max(shared, part.shared() + rounded(layer));
      atHand = Math.max(atHand, part.atHand());
      widest = Math.max(widest, layer.hidden());
    }
    double ofLanes = lanes * (atHand + SUMMED * (SLAB + widest));
    return sum + (trainer.checkpointing() ? largest : kept) + shared + head() + ofLanes;
  }

  /** Returns the numbers of rows whose logits are computed at once: x, its norm, its gradient. */
  private double head() {
    long vocabulary = config.vocabulary();
    double atOnce = Math.min(rows, Math.max(FEWEST_ROWS, LOGITS / vocabulary));
    double wide = atOnce * (3.0 * config.modelWidth() + vocabulary);
    double narrow = atOnce * (2.0 * config.modelWidth() + vocabulary);
    double weights = 2.0 * config.modelWidth() * vocabulary;
    return wide + (trainer.bf16Products() ? HALF * (narrow + weights) : 0);
  }

  /** Returns what the operands of a layer's products take beside, rounded to bf16. */
  private double rounded(LayerConfig layer) {
    if (!trainer.bf16Products()) {
      return 0;
    }
    List<WeightSpec> matrices = matrices(layer);
    double weights = matrices.stream().mapToDouble(WeightSpec::elements).sum();
    double outputs = matrices.stream().mapToDouble(WeightSpec::rows).sum();
    double mixed =
        layer.mixer().weights().stream().mapToDouble(WeightSpec::columns).max().orElse(0);
    double inputs = 2.0 * layer.modelWidth() + mixed + layer.hidden();
    // Weights and inputs for both ways, gradients of outputs for one.
    return HALF * (2 * weights + rows * (2 * inputs + outputs));
  }

  private static List<WeightSpec> matrices(LayerConfig layer) {
    List<WeightSpec> all = new ArrayList<>(layer.mixer().weights());
    all.addAll(layer.feedForward().weights());
    all.removeIf(weight -> !weight.isMatrix());
    return all;
  }

  /**
   * What a layer writes.
   *
   * @param kept until its way back
   * @param shared with the other layers
   * @param states that streams carry on, for one micro-batch
   * @param atHand of a lane
   */
  private record Part(double kept, double shared, double states, double atHand) {}

  private Part part(LayerConfig layer) {
    double width = layer.modelWidth();
    double hidden = layer.hidden();
    Part mixer =
        RetentionMixerConfig.matching(layer.mixer())
            .map(retention -> retention(retention.block()))
            .orElseGet(
                () ->
                    layer.mixer() instanceof AttentionConfig attention
                        ? attention(attention)
                        : new Part(4 * rows * width, 4 * rows * width, 0, 0));
    // Three normed inputs or sums, gate and up; a branch, its gradient, h and its gradient.
    double kept = rows * (3 * width + (layer.feedForward().gated() ? 2 : 1) * hidden);
    double shared = rows * (2 * width + 2 * hidden);
    return new Part(mixer.kept() + kept, mixer.shared() + shared, mixer.states(), mixer.atHand());
  }

  /** q, k, v, before and behind maps and norms where there are such, o and g; z with gradients. */
  private Part retention(RetentionConfig c) {
    double queries = (double) c.heads() * c.keyWidth();
    double keys = (double) c.kvHeads() * c.keyWidth();
    double values = (double) c.kvHeads() * c.valueWidth();
    double out = (double) c.heads() * c.valueWidth();
    boolean mapped = c.featureMap() != Activation.NONE || c.queryKeyNorm();
    double kept =
        (mapped ? 2 : 1) * (queries + keys)
            + (c.valueMap() == Activation.NONE ? 1 : 2) * values
            + (c.gated() ? 2 : 1) * out;
    double shared = queries + keys + values + (c.gated() ? 3 : 2) * out;
    double states = batch * c.heads() * c.keyWidth() * c.valueWidth();
    double both = c.keyWidth() + c.valueWidth();
    double state = (double) c.keyWidth() * c.valueWidth();
    // Five pieces of K and V each, two of scores, two states: forwards, and once more back. The
    // states at chunks' starts.
    double atHand =
        2 * (5 * CHUNK * both + 2 * CHUNK * CHUNK + 2 * state)
            + state * Math.ceil(rows / batch / CHUNK);
    return new Part(rows * kept + states, rows * shared, states, atHand);
  }

  /** q, k, v and o, and their gradients. */
  private Part attention(AttentionConfig c) {
    double numbers = rows * 2 * (c.heads() + c.kvHeads()) * c.headWidth();
    return new Part(numbers, numbers, 0, 0);
  }
}
