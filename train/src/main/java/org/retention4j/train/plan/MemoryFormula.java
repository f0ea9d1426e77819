package org.retention4j.train.plan;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.retention4j.model.DecoderConfig;
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

  /** Rows that a product of weights' gradients sums over at once, and rows of its result. */
  private static final double SUMMED = 512;

  private static final double SLAB = 128;

  /** Columns of a result that are computed at once, at most. */
  private static final double COLUMNS = 512;

  /** Of transposed weights, the outputs that a product copies at once. */
  private static final double PANEL = 64;

  /** What a number of bf16 takes of one of fp32. */
  private static final double HALF = 0.5;

  private final DecoderConfig config;
  private final TrainerOptions trainer;
  private final int lanes;
  private final int batch;
  private final int length;
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
    this.length = length;
    rows = (double) batch * length;
  }

  /** Returns the numbers that are written on the way forth and back. */
  public double activations() {
    List<LayerMemory> layers =
        config.layers().stream()
            .map(layer -> new LayerMemory(layer, batch, length, trainer.bf16Products()))
            .toList();
    return ofRows(layers) + ofLayers(layers) + rounded(layers) + head() + lanes * ofLane(layers);
  }

  /** Returns the embedded tokens, outputs of layers, one gradient for all of them; and states. */
  private double ofRows(List<LayerMemory> layers) {
    double streams = layers.size() + 2 + (config.embeddingNorm() ? 1 : 0);
    double states = layers.stream().mapToDouble(LayerMemory::states).sum();
    return streams * rows * config.modelWidth() + trainer.microBatches() * states;
  }

  /** Returns what layers keep, each its own or in the same tiles, and what they share anyway. */
  private double ofLayers(List<LayerMemory> layers) {
    Shelves kept = new Shelves();
    Shelves shared = new Shelves();
    for (LayerMemory layer : layers) {
      if (trainer.checkpointing()) {
        kept.share(layer.kept());
      } else {
        kept.addAll(layer.kept());
      }
      shared.share(layer.shared());
    }
    return kept.numbers() + shared.numbers();
  }

  /**
   * Returns the operands of products where they are rounded; the head's beside the last layer's.
   */
  private double rounded(List<LayerMemory> layers) {
    if (!trainer.bf16Products()) {
      return 0;
    }
    long width = config.modelWidth();
    Shelves all = new Shelves();
    all.addBlocks(2, headRows() * width).addBlocks(1, headRows() * config.vocabulary());
    all.addBlocks(2, config.vocabulary() * width);
    all.addAll(layers.get(layers.size() - 1).rounded());
    layers.forEach(layer -> all.share(layer.rounded()));
    return HALF * all.numbers();
  }

  /** Returns x, its norm, its gradient and the logits of rows that are computed at once. */
  private double head() {
    return headRows() * (3.0 * config.modelWidth() + config.vocabulary());
  }

  private long headRows() {
    long whole = LOGITS / config.vocabulary() / FEWEST_ROWS * FEWEST_ROWS;
    return Math.min((long) rows, Math.max(FEWEST_ROWS, whole));
  }

  /** Returns what a lane has at hand, the same for layers of one shape, and for one product. */
  private double ofLane(List<LayerMemory> layers) {
    Set<LayerMemory.AtHand> shapes = new HashSet<>();
    layers.forEach(layer -> shapes.add(layer.atHand()));
    double columns = Math.min(COLUMNS, widest());
    // Of weights' gradients: the transposed operand, and what is summed apart. Beside it the room
    // of forward products, which was too small.
    double products = SLAB * (Math.min(SUMMED, rows) + columns) + PANEL * columns;
    return shapes.stream().mapToDouble(LayerMemory.AtHand::numbers).sum() + products;
  }

  /** Returns the inputs of the widest matrix. */
  private double widest() {
    return config.layers().stream()
        .flatMap(
            layer ->
                Stream.concat(
                    layer.mixer().weights().stream(), layer.feedForward().weights().stream()))
        .filter(WeightSpec::isMatrix)
        .mapToDouble(WeightSpec::columns)
        .max()
        .orElse(config.modelWidth());
  }
}
