package org.retention4j.train.run;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import org.retention4j.args.Args;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.LanguageModel;
import org.retention4j.text.Tokenizer;
import org.retention4j.train.BatchSource;
import org.retention4j.train.StepResult;
import org.retention4j.train.data.TrainingText;
import org.retention4j.train.report.RunReport;

/**
 * A run from text to model folder, which goes on where its folder holds one already.
 *
 * <p>The folder is a model folder after each checkpoint. In {@code checkpoint-000123} are the model
 * after step 123 in fla's format, {@code optimizer.safetensors} and {@code trainer.json}; {@code
 * latest} and {@code best} name one of them, {@code train.jsonl} says what happened. A program that
 * is killed at any moment leaves a folder that a run can go on in, and the weights come out the
 * same to the bit: all that is drawn is a function of the seed and of the position, and all else is
 * saved.
 *
 * <p>Used by one thread at a time. Interrupting it ends a run after its step with a checkpoint; the
 * interrupt status is kept.
 *
 * @since 0.1
 */
public final class TrainingRun implements AutoCloseable {
  private static final double NANOS = 1e9;

  private final RunOptions options;
  private final RunListener listener;
  private final DType dtype;
  private final RunModel model;
  private final RunPlan plan;
  private final RunFolder folder;
  private final Tokenizer tokenizer;
  private final TrainingText text;
  private final ObjectNode identity;
  private final RunSchedule schedule;
  private final RunClock clock;
  private final DivergenceGuard guard = new DivergenceGuard();
  private final BatchSource source;
  private final Evaluator evaluator;
  private final Learner learner;
  private final RunLog log;

  private long step;
  private long tokens;
  private long evaluated = -1;
  private double measured = Double.POSITIVE_INFINITY;
  private long saved = -1;
  private long bestStep = -1;
  private double best = Double.POSITIVE_INFINITY;
  private volatile boolean cancelled;

  private TrainingRun(
      Engine engine,
      RunOptions options,
      RunListener listener,
      Learner.Maker maker,
      RunFolder folder,
      RunModel model,
      Tokenizer tokenizer) {
    this.options = options;
    this.listener = listener;
    this.folder = folder;
    this.model = model;
    this.tokenizer = tokenizer;
    dtype = engine.type() == ElementType.FLOAT64 ? DType.F64 : DType.F32;
    plan = RunPlan.of(model.config(), options.on(engine), engine.threads());
    RunMemory.require(model.config(), options.on(engine), engine.threads());
    identity = model.identity(options, engine);
    schedule = new RunSchedule(options.curve(), plan.steps());
    clock = new RunClock(options.limit());
    text = RunText.read(options, tokenizer);
    text.requireVocabulary(model.config().vocabulary());
    source = RunText.source(text, options);
    evaluator = new Evaluator(text, options.batch(), options.rhythm().evaluateTokens());
    Optional<Path> last = folder.last();
    last.ifPresent(this::recall);
    learner = learner(engine, maker);
    boolean whole = false;
    try {
      if (last.isPresent()) {
        RunModel.readProgress(learner.progress(), last.get());
        learner.resume(step, tokens);
        folder.settle(last.get(), bestStep, options.rhythm().keep());
      }
      log = new RunLog(folder, last.isPresent() ? step : RunLog.NEW);
      whole = true;
    } finally {
      if (!whole) {
        learner.close();
      }
    }
  }

  private Learner learner(Engine engine, Learner.Maker maker) {
    BatchShape batch = options.batch();
    try (LanguageModel weights = model.load(engine, options.seed())) {
      return maker.of(
          engine,
          weights,
          batch.rows(),
          batch.length(),
          options.trainer().withRate(options.trainer().rate(), schedule));
    }
  }

  /**
   * Opens a run: reads the text, makes the model or loads the last checkpoint.
   *
   * @param engine computes; it stays the caller's
   * @param start what a new run begins with; a run that goes on has it already
   * @throws IllegalArgumentException if the folder holds something else, or a run of other options
   *     or another text, if the text cannot be read or is too short, or if there is too little
   *     memory
   */
  public static TrainingRun open(
      Engine engine, RunOptions options, RunStart start, RunListener listener) {
    return open(engine, options, start, listener, Learner::trainer, what -> {});
  }

  static TrainingRun open(
      Engine engine,
      RunOptions options,
      RunStart start,
      RunListener listener,
      Learner.Maker maker,
      RunFolder.Watch watch) {
    Args.present("an engine", engine);
    Args.present("options", options);
    Args.present("what the run begins with", start);
    Args.present("a listener", listener);
    RunFolder folder = RunFolder.open(options.files().out(), watch);
    Tokenizer tokenizer = null;
    TrainingRun run = null;
    try {
      RunModel model = RunModel.of(folder.last(), start, options.files());
      tokenizer = model.openTokenizer();
      run = new TrainingRun(engine, options, listener, maker, folder, model, tokenizer);
      return run;
    } finally {
      if (run == null) {
        if (tokenizer != null) {
          tokenizer.close();
        }
        folder.close();
      }
    }
  }

  /** Takes up what a checkpoint says of the run, if it is this one's. */
  private void recall(Path checkpoint) {
    RunRecord record = RunRecord.read(checkpoint.resolve(RunFolder.RECORD));
    record.requireSame(identity, text.sha256(), folder.path());
    step = record.step();
    tokens = record.tokens();
    clock.restore(record.seconds());
    bestStep = record.bestStep();
    best = record.best();
    saved = step;
    evaluated = step;
    guard.restore(record.guard());
    record.fallsFrom().ifPresent(schedule::fallFrom);
    source.seek(record.position());
  }

  /** Returns what the run costs. */
  public RunPlan plan() {
    return plan;
  }

  /** Returns the steps so far, those of the run before it was opened included. */
  public long steps() {
    return step;
  }

  /** Returns the text. */
  public TrainingText text() {
    return text;
  }

  /** Returns the lowest bits for each byte of held-out text so far; infinite before a look. */
  public double best() {
    return best;
  }

  /**
   * Runs to the end.
   *
   * @return why it ended; the folder holds the model then
   * @throws DivergedException if the loss rises by a nat or is not finite
   * @throws IllegalArgumentException if something cannot be written, a full disk for instance; the
   *     last checkpoint stays
   */
  public RunEnd run() {
    clock.begin();
    listener.began(plan, step);
    log.run(step, plan);
    if (saved < 0) {
      begin();
      clock.begin();
    }
    boolean interrupted = false;
    Optional<RunEnd> end = end(false);
    while (end.isEmpty()) {
      takeStep();
      // A thread that stays interrupted could write no file.
      interrupted |= Thread.interrupted();
      end = end(interrupted || cancelled);
      lookAndSave(end.isPresent());
    }
    report();
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    return end.get();
  }

  /** Writes what a run begins with: what cannot be written is known before hours of work. */
  private void begin() {
    if (model.tokenizer().isEmpty()) {
      RunText.ladder(text).ifPresent(log::ladder);
    }
    // Weights that know nothing need no look.
    evaluated = step;
    save();
  }

  /** Asks it, from any thread, to end after its step, as an interrupt does. */
  public void cancel() {
    cancelled = true;
  }

  private Optional<RunEnd> end(boolean asked) {
    OptionalLong steps = schedule.end();
    if (steps.isPresent() && step >= steps.getAsLong()) {
      return Optional.of(RunEnd.DONE);
    }
    boolean byTime = plan.steps().isPresent() || options.curve().kind() == RateCurve.Kind.CONSTANT;
    if (byTime && step > 0 && clock.share() >= 1) {
      return Optional.of(RunEnd.TIME);
    }
    return asked ? Optional.of(RunEnd.CANCELLED) : Optional.empty();
  }

  private void takeStep() {
    boolean observed = (step + 1) % options.rhythm().evaluateEvery() == 0;
    learner.observe(observed);
    long start = System.nanoTime();
    StepResult result = learner.step(source);
    double seconds = (System.nanoTime() - start) / NANOS;
    step = result.step();
    tokens = result.tokens();
    double bits = evaluator.learntBits(result.loss());
    try {
      guard.accept(result, learner::reports);
    } catch (DivergedException e) {
      log.stopped(step, e.getMessage());
      report();
      throw e;
    }
    if (step % options.rhythm().logEvery() == 0) {
      log.step(result, bits, options.tokensPerStep(), seconds);
    }
    if (observed) {
      log.tensors(step, learner.reports(), learner.activations());
    }
    listener.stepped(result, bits, seconds, schedule.done(step, clock.share()));
  }

  private void lookAndSave(boolean last) {
    RunRhythm rhythm = options.rhythm();
    if (last || step % rhythm.evaluateEvery() == 0) {
      evaluate();
    }
    boolean falls = fallsNow();
    if (last || falls || step % rhythm.saveEvery() == 0) {
      save();
    }
  }

  /** Decides, in a run of a time, that from now on the rate falls. */
  private boolean fallsNow() {
    if (!schedule.open() || clock.share() < schedule.stableShare()) {
      return false;
    }
    schedule.fallFrom(step);
    return true;
  }

  /** Looks at the held-out text, once after a step, and lets the model write. */
  private void evaluate() {
    if (evaluated == step) {
      return;
    }
    evaluated = step;
    if (evaluator.measures()) {
      double loss = evaluator.loss(learner);
      double bits = evaluator.heldOutBits(loss);
      measured = bits;
      log.evaluation(step, tokens, loss, bits);
      listener.evaluated(step, loss, bits);
    }
    int count = options.rhythm().sampleTokens();
    if (count > 0 && step > 0) {
      int[] prompt = evaluator.prompt();
      try (LanguageModel now = learner.model()) {
        String written = Evaluator.sample(now, tokenizer, prompt, count, step);
        log.sample(step, tokenizer.decode(prompt), written);
        listener.sampled(step, tokenizer.decode(prompt), written);
      }
    }
  }

  private void save() {
    if (saved == step) {
      return;
    }
    evaluate();
    log.sync();
    if (measured < best) {
      best = measured;
      bestStep = step;
    }
    Path checkpoint = folder.write(step, this::write);
    saved = step;
    if (bestStep == step) {
      folder.best(checkpoint);
    }
    folder.publish(checkpoint);
    folder.prune(options.rhythm().keep(), bestStep);
    log.checkpoint(step, checkpoint);
    listener.saved(step, checkpoint);
  }

  private void write(Path into) {
    RunRecord record =
        new RunRecord(
            step,
            tokens,
            source.position(),
            clock.seconds(),
            schedule.fallsFrom(),
            guard.memory(),
            bestStep,
            best,
            identity,
            text.sha256());
    RunModel.writeProgress(learner.progress(), into, dtype);
    folder.write(into.resolve(RunFolder.RECORD), Json.text(record.toJson()) + "\n");
    try (LanguageModel now = learner.model()) {
      model.write(now, into, dtype, folder);
    }
  }

  /**
   * Writes the model as it is now into another folder, in place of a model there.
   *
   * @param dtype F64, F32, F16 or BF16
   * @throws IllegalArgumentException if it cannot be written
   */
  public void export(Path into, DType type) {
    try (LanguageModel now = learner.model()) {
      model.write(now, into, type, folder);
    }
  }

  /** Writes the page that shows the log; the one place where that is done. */
  private void report() {
    log.sync();
    RunReport.write(folder.path());
  }

  @Override
  public void close() {
    log.close();
    learner.close();
    tokenizer.close();
    folder.close();
  }
}
