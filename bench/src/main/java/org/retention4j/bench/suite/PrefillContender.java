package org.retention4j.bench.suite;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Formulas;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.report.Workload;
import org.retention4j.core.BlockInput;
import org.retention4j.core.BoundSequence;
import org.retention4j.core.RetentionState;
import org.retention4j.engine.HeldMemory;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.stack.BoundLayer;
import org.retention4j.model.stack.DecoderLayer;

/** A block or layer bound to a prompt, with the memory it took beyond its input and output. */
final class PrefillContender implements AutoCloseable {
  private final String scope;
  private final String form;
  private final int tokens;
  private final Models models;
  private final Runnable prepare;
  private final Runnable step;
  private final Runnable close;
  private final long boundBytes;
  private long stepBytes;

  private PrefillContender(
      String scope,
      String form,
      int tokens,
      Models models,
      Runnable prepare,
      Runnable step,
      Runnable close,
      long boundBytes) {
    this.scope = scope;
    this.form = form;
    this.tokens = tokens;
    this.models = models;
    this.prepare = prepare;
    this.step = step;
    this.close = close;
    this.boundBytes = boundBytes;
  }

  /** Binds the retention block; its state goes on from run to run. */
  static PrefillContender block(Models models, String form, INDArray x, INDArray y) {
    long before = startPeak();
    RetentionState state = models.block().newState(1);
    BoundSequence bound = models.block().bind(Models.FORMS.get(form), BlockInput.of(x), state, y);
    return new PrefillContender(
        "block",
        form,
        (int) x.size(1),
        models,
        () -> {},
        bound::step,
        () -> {
          bound.close();
          state.close();
        },
        HeldMemory.peakBytes() - before);
  }

  /** Binds a whole layer; a Transformer's cache is emptied before each run. */
  static PrefillContender layer(Models models, String form, INDArray x, INDArray y) {
    long before = startPeak();
    DecoderLayer layer = models.layer(form);
    int tokens = (int) x.size(1);
    MixerState state = layer.mixer().newState(1, tokens);
    BoundLayer bound = models.bind(form, x, state, y);
    return new PrefillContender(
        "layer",
        form,
        tokens,
        models,
        form.equals("attention") ? () -> state.fillRandom(0, 0) : () -> {},
        bound::step,
        () -> {
          bound.close();
          state.close();
        },
        HeldMemory.peakBytes() - before);
  }

  private static long startPeak() {
    HeldMemory.resetPeak();
    return HeldMemory.liveBytes();
  }

  /** Returns what the clock sees; memory that a run takes is noted outside the clock. */
  Contender timed() {
    return new Contender(scope + " " + form, this::prepare, this::step);
  }

  private void prepare() {
    prepare.run();
    HeldMemory.resetPeak();
  }

  private void step() {
    long before = HeldMemory.liveBytes();
    step.run();
    stepBytes = Math.max(stepBytes, HeldMemory.peakBytes() - before);
  }

  /** Returns the largest number of bytes held for this at once, beyond input and output. */
  long peakBytes() {
    return boundBytes + stepBytes;
  }

  String scope() {
    return scope;
  }

  String form() {
    return form;
  }

  int tokens() {
    return tokens;
  }

  Workload workload() {
    LayerShape shape = models.shape();
    if (form.equals("attention")) {
      return Workload.attention(shape, models.provider()).prompt(tokens);
    }
    Integer chunk = Models.chunk(form);
    return scope.equals("block")
        ? Workload.block(shape, form, chunk, models.provider()).prompt(tokens)
        : Workload.layer(shape, form, chunk, models.provider()).prompt(tokens);
  }

  /** Returns the useful FLOPs of a run. */
  double flops() {
    LayerShape shape = models.shape();
    double core =
        switch (form) {
          case "parallel" -> Formulas.parallelCoreFlops(tokens, shape);
          case "recurrent" -> Formulas.recurrentCoreFlops(tokens, shape);
          default -> models.layer(form).mixer().config().coreFlops(tokens);
        };
    return Formulas.weightFlops(tokens, workload().nParams()) + core;
  }

  /** Returns how they are counted. */
  String formula() {
    return "2·T·weights + "
        + switch (form) {
          case "parallel" -> "T·D·(T(1+f) + 2fK)";
          case "recurrent" -> "T·D·5fK";
          case "chunkwise" -> "T·D·(C(1+f) + 4fK + fK/C)";
          default -> "2·T(T+1)·n_h·d_h";
        };
  }

  @Override
  public void close() {
    close.run();
  }
}
