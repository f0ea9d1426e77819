package org.retention4j.cli;

import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.Configuration;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.internal.family.ModelShapes;
import org.retention4j.cli.jvm.Signals;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.optimizer.OptimizerOptions;
import org.retention4j.train.plan.ProductSpeed;
import org.retention4j.train.run.DivergedException;
import org.retention4j.train.run.RunEnd;
import org.retention4j.train.run.RunMemory;
import org.retention4j.train.run.RunOptions;
import org.retention4j.train.run.RunPlan;
import org.retention4j.train.run.RunStart;
import org.retention4j.train.run.TrainingRun;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** Makes a model of a text. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Trains a model on text; retention generate --model DIR lets it speak, while it learns too.",
      "Where DIR holds a run already, the same command goes on with it, to the same bits as if",
      "nothing had come between."
    })
final class TrainCommand implements Callable<Integer> {
  /** What a run reaches of the bare product, for hours that are told before. */
  private static final double REACHED = 0.7;

  private static final String SHAPE = "xs";
  private static final int MOST_THREADS = 1024;

  @Option(
      names = "--out",
      paramLabel = "DIR",
      required = true,
      description = "folder of the run, which becomes a model folder")
  private Path out;

  @Option(
      names = "--shape",
      paramLabel = "NAME|config.json",
      description =
          "ci, xs, s, m (0.13, 0.95, 3.7, 7.4 million parameters over bytes), or a configuration in"
              + " fla's format (default: xs)")
  private String shape;

  @Option(
      names = "--from",
      paramLabel = "DIR",
      description = "model folder to train further, or austen")
  private Path from;

  @Mixin private TrainOptions options;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "threads, at least 1 (default: all processors)")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--dry-run", description = "say what it would cost, and write nothing")
  private boolean dryRun;

  @Option(
      names = "--export",
      paramLabel = "TYPE",
      converter = DTypeConverter.class,
      description = "write the model into DIR/TYPE too: bf16, f16 or f32")
  private DType export;

  @Spec private CommandSpec spec;

  @Override
  public Integer call() {
    if (threads < 1 || threads > MOST_THREADS) {
      throw new IllegalArgumentException(
          "expected --threads in 1.." + MOST_THREADS + ", got " + threads);
    }
    sayEffects();
    RunStart start = start();
    DecoderConfig config = config(start);
    RunOptions run = options.of(out, config.modelWidth());
    PrintWriter print = spec.commandLine().getOut();
    long tokens = (long) run.batch().rows() * run.batch().length();
    try (Engine engine = Engine.create(ElementType.FLOAT32, threads, ComputeRoute.best())) {
      if (!engine.multipliesBfloat16()) {
        Effects.none(spec, "this processor has no such products", TrainOptions.BF16);
      }
      if (!dryRun) {
        RunMemory.require(config, run.on(engine), threads);
      }
      double product =
          ProductSpeed.measure(
              engine,
              config,
              (int) Math.min(Integer.MAX_VALUE, tokens),
              run.trainer().bf16Products());
      if (dryRun) {
        describe(RunPlan.of(config, run.on(engine), threads), run, product, print);
        return 0;
      }
      return train(engine, run, start, product, print);
    }
  }

  /** A run that goes on needs no shape, and is told if it is given another. */
  private RunStart start() {
    if (shape != null && from != null) {
      throw new IllegalArgumentException("expected --shape or --from, got both");
    }
    if (from != null) {
      return RunStart.from(ShippedModel.folder(from));
    }
    if (shape == null && goesOn()) {
      return RunStart.none();
    }
    return RunStart.shape(shape(shape == null ? SHAPE : shape));
  }

  private void sayEffects() {
    if (Effects.given(spec, "--pack")) {
      Effects.none(spec, "rows are packed and no streams", "--fresh-share");
    }
    if (Effects.given(spec, "--validation")) {
      Effects.none(spec, "another text is held out", "--held-out");
    }
    if (options.schedule() != TrainOptions.Curve.WSD) {
      Effects.none(spec, "the rate does not fall in a line", "--decay-share");
    }
    if (options.schedule() == TrainOptions.Curve.CONSTANT) {
      Effects.none(spec, "the rate does not fall", "--last-factor");
    }
  }

  private boolean goesOn() {
    return Files.isRegularFile(out.resolve("latest"))
        && Files.isRegularFile(out.resolve("config.json"));
  }

  private static DecoderConfig shape(String name) {
    if (!name.endsWith(".json")) {
      try {
        return ModelShapes.trained(name);
      } catch (IllegalArgumentException e) {
        throw new IllegalArgumentException(
            e.getMessage() + ", for --shape, which may also name a config.json", e);
      }
    }
    Path file = Path.of(name);
    if (!Files.isRegularFile(file)) {
      throw new IllegalArgumentException(
          "expected a configuration, got none, or a folder, at " + name);
    }
    return Configuration.read(file).decoder();
  }

  private DecoderConfig config(RunStart start) {
    return start.shape().orElseGet(() -> Checkpoint.open(start.from().orElse(out)).config());
  }

  private int train(
      Engine engine, RunOptions run, RunStart start, double product, PrintWriter print) {
    try (TrainLog log = new TrainLog(print, product);
        TrainingRun training = TrainingRun.open(engine, run, start, log);
        Signals signals = Signals.cancelling(() -> cancel(training))) {
      print.printf(
          Locale.ROOT,
          "%s: %s tokens to learn from, %s held out%n",
          out,
          Texts.count(training.text().learnt().count()),
          Texts.count(training.text().heldOut().count()));
      RunEnd end = training.run();
      log.close();
      if (export != null) {
        training.export(out.resolve(export.name().toLowerCase(Locale.ROOT)), export);
      }
      print.printf(
          Locale.ROOT,
          "%s after %s steps; retention generate --model %s --prompt ...%n",
          end == RunEnd.CANCELLED ? "interrupted, the same command goes on," : "done",
          Texts.count(training.steps()),
          out);
      return end == RunEnd.CANCELLED ? Signals.INTERRUPTED : 0;
    } catch (DivergedException e) {
      print.flush();
      spec.commandLine().getErr().println("retention: " + e.getMessage());
      return Main.FAILED;
    }
  }

  private void cancel(TrainingRun training) {
    spec.commandLine().getErr().println("retention: ends behind this step, with a checkpoint");
    training.cancel();
  }

  private void describe(RunPlan plan, RunOptions run, double product, PrintWriter print) {
    double speed = REACHED * product / plan.stepFlops() * plan.tokensPerStep();
    print.printf(
        Locale.ROOT,
        "%s parameters, %.2f MFLOP a token forwards and backwards%n",
        Texts.count(plan.parameters()),
        plan.flopsPerToken() / 1e6);
    print.printf(
        Locale.ROOT,
        "memory by formula: %s of weights, gradients and moments, %s of activations%s%n",
        Texts.bytes(plan.weightBytes()),
        Texts.bytes(plan.activationBytes()),
        run.trainer().checkpointing() ? "" : " (fewer with --checkpointing)");
    print.println(halfLives(run.trainer(), plan.tokensPerStep()));
    print.printf(
        Locale.ROOT,
        "a product of these shapes: %.1f GFLOP/s on %d threads; at %.0f %% of it %s tokens/s%n",
        product / 1e9,
        threads,
        100 * REACHED,
        Texts.count(Math.round(speed)));
    if (plan.steps().isPresent()) {
      long steps = plan.steps().getAsLong();
      print.printf(
          Locale.ROOT,
          "%s steps of %s tokens: about %.2f hours%n",
          Texts.count(steps),
          Texts.count(plan.tokensPerStep()),
          steps * plan.tokensPerStep() / speed / 3600);
    } else {
      double minutes = run.limit().minutes().orElseThrow();
      print.printf(
          Locale.ROOT,
          "%.1f minutes: about %s steps of %s tokens%n",
          minutes,
          Texts.count(Math.round(minutes * 60 * speed / plan.tokensPerStep())),
          Texts.count(plan.tokensPerStep()));
    }
    print.flush();
  }

  /** Returns β₂ and decay, and in how many tokens they forget half. */
  private static String halfLives(TrainerOptions trainer, long tokensPerStep) {
    OptimizerOptions optimizer = trainer.optimizer();
    double kept = 1 - trainer.rate() * optimizer.weightDecay();
    return String.format(
        Locale.ROOT,
        "%s: beta2 %.6g, which forgets half in %s tokens; weight decay %.6g, which alone halves"
            + " weights in %s tokens at the rate %.3g",
        optimizer.kind().name().toLowerCase(Locale.ROOT),
        optimizer.beta2(),
        halfLife(optimizer.beta2(), tokensPerStep),
        optimizer.weightDecay(),
        halfLife(kept, tokensPerStep),
        trainer.rate());
  }

  /** Returns tokens, "no" where nothing is ever forgotten. */
  private static String halfLife(double kept, long tokensPerStep) {
    double tokens = tokensPerStep * Math.log(0.5) / Math.log(Math.max(kept, Double.MIN_VALUE));
    return kept == 1 ? "no" : Texts.count(Math.round(tokens));
  }
}
