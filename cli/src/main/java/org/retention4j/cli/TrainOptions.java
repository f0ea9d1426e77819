package org.retention4j.cli;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.retention4j.train.TrainerOptions;
import org.retention4j.train.data.Documents;
import org.retention4j.train.run.BatchShape;
import org.retention4j.train.run.RateCurve;
import org.retention4j.train.run.RunFiles;
import org.retention4j.train.run.RunLimit;
import org.retention4j.train.run.RunOptions;
import org.retention4j.train.run.RunRhythm;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What is learnt, how, and for how long. */
final class TrainOptions {
  /** Products of rounded operands, without effect where a processor has none. */
  static final String BF16 = "--bf16-products";

  /** How long a run takes of which nobody says it. */
  private static final double MINUTES = 10;

  /** How long a step's batch is by default, in rows and in tokens of one. */
  private static final String ROWS = "8";

  private static final String LENGTH = "512";

  /** The names of curves on the command line. */
  enum Curve {
    CONSTANT(RateCurve.Kind.CONSTANT),
    COSINE(RateCurve.Kind.COSINE),
    WSD(RateCurve.Kind.STABLE);

    private final RateCurve.Kind kind;

    Curve(RateCurve.Kind kind) {
      this.kind = kind;
    }
  }

  /** The names of documents on the command line. */
  enum Pack {
    FILES(Documents.FILES),
    PARAGRAPHS(Documents.BLANK_LINES),
    LINES(Documents.LINES);

    private final Documents documents;

    Pack(Documents documents) {
      this.documents = documents;
    }
  }

  @Option(
      names = "--data",
      paramLabel = "FILE|DIR",
      required = true,
      description = "text to learn from; of a folder all files by their names")
  private Path data;

  @Option(
      names = "--validation",
      paramLabel = "FILE|DIR",
      description = "text that is held out (default: the last share of the data)")
  private Path validation;

  @Option(
      names = "--held-out",
      paramLabel = "X",
      defaultValue = "0.05",
      description = "share of the data that is held out (default: ${DEFAULT-VALUE})")
  private double heldOut;

  @Option(
      names = "--tokenizer",
      paramLabel = "tokenizer.json",
      description = "tokens (default: those of --from, else bytes)")
  private Path tokenizer;

  @Option(
      names = "--pack",
      paramLabel = "WHAT",
      description =
          "pack rows with whole files, paragraphs or lines, each from nothing (default: streams"
              + " whose states are carried from row to row)")
  private Pack pack;

  @Option(
      names = "--fresh-share",
      paramLabel = "X",
      defaultValue = "0.0625",
      description = "share of the rows of streams that begin from nothing (${DEFAULT-VALUE})")
  private double freshShare;

  @Option(names = "--steps", paramLabel = "N", description = "end after so many steps")
  private Long steps;

  @Option(names = "--max-tokens", paramLabel = "N", description = "end after so many tokens")
  private Long tokens;

  @Option(
      names = "--minutes",
      paramLabel = "X",
      description = "end after so much time (default: 10, where no other end is given)")
  private Double minutes;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = ROWS,
      description = "rows of a batch (default: ${DEFAULT-VALUE})")
  private int rows;

  @Option(
      names = "--length",
      paramLabel = "N",
      defaultValue = LENGTH,
      description = "tokens of a row (default: ${DEFAULT-VALUE})")
  private int length;

  @Option(
      names = "--micro-batches",
      paramLabel = "N",
      defaultValue = "1",
      description = "batches of a step (default: ${DEFAULT-VALUE})")
  private int microBatches;

  @Option(
      names = "--rate",
      paramLabel = "X",
      description = "largest learning rate (default: 0.003 * sqrt(128 / width))")
  private Double rate;

  @Option(
      names = "--schedule",
      paramLabel = "NAME",
      defaultValue = "wsd",
      description = "constant, cosine or wsd: warm-up, stable, decay (default: ${DEFAULT-VALUE})")
  private Curve schedule;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      description = "steps in which the rate rises (default: 2 %% of all)")
  private Long warmUp;

  @Option(
      names = "--decay-share",
      paramLabel = "X",
      defaultValue = "0.2",
      description = "share of the run in which it falls, of wsd (default: ${DEFAULT-VALUE})")
  private double decayShare;

  @Option(
      names = "--last-factor",
      paramLabel = "X",
      defaultValue = "0",
      description = "what it falls to, of the largest (default: ${DEFAULT-VALUE})")
  private double lastFactor;

  @Mixin private OptimizerMixin optimizer;

  @Option(
      names = "--clip",
      paramLabel = "X",
      defaultValue = "1",
      description = "largest norm of the whole gradient (default: ${DEFAULT-VALUE})")
  private double clip;

  @Option(
      names = "--checkpointing",
      description = "compute layers again on the way back: less memory, a third more work")
  private boolean checkpointing;

  @Option(
      names = BF16,
      description =
          "round the operands of products to bf16: faster and less exact (no effect on a processor"
              + " without such products)")
  private boolean bf16Products;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "42",
      description = "seed of new weights and of the text's order (default: ${DEFAULT-VALUE})")
  private long seed;

  @Option(
      names = "--eval-every",
      paramLabel = "N",
      defaultValue = "250",
      description = "steps from one look at the held-out text to the next (${DEFAULT-VALUE})")
  private long evaluateEvery;

  @Option(
      names = "--save-every",
      paramLabel = "N",
      defaultValue = "250",
      description = "steps from one checkpoint to the next (default: ${DEFAULT-VALUE})")
  private long saveEvery;

  @Option(
      names = "--keep",
      paramLabel = "N",
      defaultValue = "2",
      description = "how many of the last checkpoints stay (default: ${DEFAULT-VALUE})")
  private int keep;

  @Option(
      names = "--sample-tokens",
      paramLabel = "N",
      defaultValue = "80",
      description = "length of the text that the model writes at each look (${DEFAULT-VALUE})")
  private int sampleTokens;

  Curve schedule() {
    return schedule;
  }

  /** Returns what the library calls these. */
  RunOptions of(Path out, int modelWidth) {
    RunFiles files =
        new RunFiles(
            out, data, Optional.ofNullable(validation), heldOut, Optional.ofNullable(tokenizer));
    BatchShape batch =
        pack == null
            ? BatchShape.streams(rows, length).withFreshShare(freshShare)
            : BatchShape.packed(rows, length, pack.documents);
    double largest = rate == null ? RunOptions.rateFor(modelWidth) : rate;
    TrainerOptions trainer =
        TrainerOptions.DEFAULT
            .withRate(largest, TrainerOptions.DEFAULT.schedule())
            .withClipNorm(clip)
            .withMicroBatches(microBatches)
            .withCheckpointing(checkpointing)
            .withBf16Products(bf16Products);
    long perStep = (long) rows * length * microBatches;
    trainer = trainer.withOptimizer(optimizer.of(perStep, largest));
    OptionalLong rise = warmUp == null ? OptionalLong.empty() : OptionalLong.of(warmUp);
    RateCurve curve = new RateCurve(schedule.kind, rise, decayShare, lastFactor);
    RunRhythm rhythm =
        new RunRhythm(
            1, evaluateEvery, RunRhythm.DEFAULT.evaluateTokens(), saveEvery, keep, sampleTokens);
    return new RunOptions(files, batch, trainer, curve, limit(), rhythm, seed);
  }

  private RunLimit limit() {
    if (steps == null && tokens == null && minutes == null) {
      return RunLimit.minutes(MINUTES);
    }
    return new RunLimit(
        steps == null ? OptionalLong.empty() : OptionalLong.of(steps),
        tokens == null ? OptionalLong.empty() : OptionalLong.of(tokens),
        minutes == null ? OptionalDouble.empty() : OptionalDouble.of(minutes));
  }
}
