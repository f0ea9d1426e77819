package org.retention4j.bench.training;

import java.util.List;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.ResidentMemory;
import org.retention4j.bench.report.Workload;
import org.retention4j.bench.suite.SampleText;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.HeldMemory;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.LanguageModel;
import org.retention4j.train.Batch;
import org.retention4j.train.StepResult;
import org.retention4j.train.Trainer;
import org.retention4j.train.TrainerOptions;

/**
 * A trainer of one mixer that takes the same batch in every step, with the memory that it took. Has
 * an engine of its own, so that no other's scratch is found and not counted.
 */
final class StepContender implements AutoCloseable {
  private static final double NANOS = 1e9;

  private final TrainingShape shape;
  private final Mixing mixing;
  private final int tokens;
  private final Engine engine;
  private final List<Batch> batch;
  private Trainer trainer;
  private StepResult first;
  private double firstSeconds;
  private long heldBytes;
  private long residentBytes;

  /**
   * Makes a model of seeded weights and takes the first step.
   *
   * @param tokens T
   * @param threads of its engine
   */
  StepContender(
      TrainingShape shape, Mixing mixing, int tokens, int threads, SampleText text, long seed) {
    this.shape = shape;
    this.mixing = mixing;
    this.tokens = tokens;
    batch = List.of(batch(text, shape.rows(tokens), tokens));
    engine = Engine.create(ElementType.FLOAT32, threads, ComputeRoute.best());
    boolean made = false;
    try {
      begin(seed);
      made = true;
    } finally {
      if (!made) {
        close();
      }
    }
  }

  /** Rows of a text, one behind the other. */
  private static Batch batch(SampleText text, int rows, int tokens) {
    int[][] ids = new int[rows][tokens];
    int[][] targets = new int[rows][tokens];
    for (int b = 0; b < rows; b++) {
      for (int t = 0; t < tokens; t++) {
        long at = (long) b * tokens + t;
        ids[b][t] = text.token(at);
        targets[b][t] = text.token(at + 1);
      }
    }
    return Batch.of(ids, targets);
  }

  private void begin(long seed) {
    TrainerOptions options = TrainerOptions.DEFAULT.withForm(mixing.form());
    try (LanguageModel model =
        LanguageModel.random(engine, shape.config(mixing), WeightType.FLOAT32, seed)) {
      System.gc();
      // What was freed before goes back to the system, or the process would not be seen to grow.
      Pointer.trimMemory();
      long before = HeldMemory.liveBytes();
      long residentBefore = ResidentMemory.now();
      HeldMemory.resetPeak();
      residentBytes =
          ResidentMemory.peakOf(
                  () -> {
                    trainer = Trainer.of(engine, model, shape.rows(tokens), tokens, options);
                    long start = System.nanoTime();
                    first = trainer.step(batch);
                    firstSeconds = (System.nanoTime() - start) / NANOS;
                  })
              - residentBefore;
      heldBytes = HeldMemory.peakBytes() - before;
    }
  }

  Mixing mixing() {
    return mixing;
  }

  Contender timed() {
    return new Contender(mixing.word(), this::step);
  }

  void step() {
    trainer.step(batch);
  }

  /** Returns loss and gradient norm of the first step, which are those of the weights at first. */
  StepResult first() {
    return first;
  }

  /** Returns the seconds of the first step. */
  double firstSeconds() {
    return firstSeconds;
  }

  /** Returns the largest number of bytes that the library held for trainer and step at once. */
  long heldBytes() {
    return heldBytes;
  }

  /** Returns by how much the process's memory was larger at its peak than before. */
  long residentBytes() {
    return residentBytes;
  }

  Workload workload() {
    return workload(shape, mixing, tokens, engine.kernelsName());
  }

  static Workload workload(TrainingShape shape, Mixing mixing, int tokens, String provider) {
    int heads = mixing.attends() ? shape.attentionHeads() : shape.heads();
    int width = shape.modelWidth() / heads;
    return new Workload(
        mixing.word(),
        mixing == Mixing.CHUNKWISE ? TrainingFormulas.CHUNK : null,
        provider,
        shape.layers(),
        shape.modelWidth(),
        heads,
        width,
        mixing.attends() ? width : shape.valueWidth(),
        mixing.attends() ? shape.attentionFeedForward() : shape.feedForward(),
        TrainingShape.VOCABULARY,
        shape.config(mixing).parameters(),
        "f32 x f32",
        tokens,
        null,
        null,
        shape.rows(tokens));
  }

  @Override
  public void close() {
    if (trainer != null) {
      trainer.close();
    }
    engine.close();
  }
}
