package org.retention4j.verify;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Consumer;
import java.util.function.Function;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.args.Args;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointParts;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.core.reference.Bounds;
import org.retention4j.core.reference.RelativeError;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.model.mixer.MixerTrial;
import org.retention4j.model.mixer.Outcome;
import org.retention4j.model.mixer.OutcomeError;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.LmHead;

/**
 * Holds the three forms, in fp32 and in float64, against the plain float64 reference on a
 * checkpoint's own weights: each layer's mixer and what it has of parts by itself, and the whole
 * model from the tokens to the logits, one layer in memory at a time.
 *
 * @since 0.1
 */
public final class Verification {
  /**
   * Deep and untrained models amplify every rounding, the head norm where large terms cancel. By
   * how much shows in what float64 loses; fp32 may lose so many times that, by the ratio of their
   * epsilons, where this is more than its bound.
   */
  private static final int CONDITION = 4;

  /** log2 of the ratio of the epsilons. */
  private static final int EPSILONS = 52 - 23;

  private final Checkpoint checkpoint;
  private final Engine single;
  private final Engine wide;

  /** The hidden states of the whole model in one way and engine. */
  private record Stream(Engine engine, Way way) {}

  private final Map<Stream, INDArray> streams = new HashMap<>();

  /**
   * Makes one.
   *
   * @param single an fp32 engine
   * @param wide a float64 engine
   * @throws IllegalArgumentException if one is missing, or an engine of another type
   */
  public Verification(Checkpoint checkpoint, Engine single, Engine wide) {
    Args.present("a checkpoint", checkpoint);
    Args.present("an engine of FLOAT32", single);
    Args.present("an engine of FLOAT64", wide);
    if (single.type() != ElementType.FLOAT32 || wide.type() != ElementType.FLOAT64) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected an engine of FLOAT32 and one of FLOAT64, got %s and %s",
              single.type(),
              wide.type()));
    }
    this.checkpoint = checkpoint;
    this.single = single;
    this.wide = wide;
  }

  /** Errors of one engine's ways, as lines of a part. */
  private record Part(
      int layer,
      String name,
      Engine engine,
      double outputBound,
      double stateBound,
      Consumer<VerifiedLine> each) {
    void line(String way, OutcomeError error) {
      String type = engine.type().name().toLowerCase(Locale.ROOT);
      each.accept(
          new VerifiedLine(
              layer, name, way, type, error.outputs(), error.states(), outputBound, stateBound));
    }

    /** Holds each way to what is expected, and all of them to the first; returns the worst. */
    OutcomeError hold(Outcome expected, Function<Way, Outcome> giving) {
      OutcomeError worst = OutcomeError.NONE;
      OutcomeError between = OutcomeError.NONE;
      Outcome first = null;
      for (Way way : Way.all()) {
        Outcome given = giving.apply(way);
        OutcomeError error = OutcomeError.of(given, expected);
        line(way.name(), error);
        worst = worst.orWorse(error);
        first = first == null ? given : first;
        between = between.orWorse(OutcomeError.of(given, first));
      }
      line("between", between);
      return worst;
    }
  }

  /**
   * Runs a text through the model.
   *
   * @param tokens at least one, within the vocabulary
   * @param each receives the lines as they come
   * @return whether every bound holds
   * @throws IllegalArgumentException for no tokens, or one outside the vocabulary
   * @throws CheckpointException if a tensor is missing, extra or misshapen, naming it
   */
  public boolean run(int[] tokens, Consumer<VerifiedLine> each) {
    check(tokens);
    Args.present("a listener to lines", each);
    boolean[] holds = {true};
    Consumer<VerifiedLine> counting =
        line -> {
          holds[0] &= line.holds();
          each.accept(line);
        };
    try (CheckpointParts parts = checkpoint.parts()) {
      INDArray x = Nd4j.createFromArray(parts.embed(tokens, wide));
      x = x.reshape(1, tokens.length, checkpoint.config().modelWidth());
      for (Engine engine : engines()) {
        for (Way way : Way.all()) {
          streams.put(new Stream(engine, way), x.castTo(engine.dataType()));
        }
      }
      int layers = checkpoint.config().layers().size();
      for (int i = 0; i < layers; i++) {
        x = layer(i, x, parts, counting);
      }
      logits(layers, x, parts, counting);
    }
    return holds[0];
  }

  private void check(int[] tokens) {
    Args.present("tokens", tokens);
    if (tokens.length == 0) {
      throw new IllegalArgumentException("expected a text of at least 1 token, got none");
    }
    int vocabulary = checkpoint.config().vocabulary();
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            String.format(
                Locale.ROOT,
                "expected tokens in 0..%d, the vocabulary, got %d",
                vocabulary - 1,
                token));
      }
    }
  }

  private List<Engine> engines() {
    return List.of(single, wide);
  }

  /** Holds a layer and returns what the reference gives. */
  private INDArray layer(
      int index, INDArray x, CheckpointParts parts, Consumer<VerifiedLine> each) {
    try (DecoderLayer narrow = parts.layer(index, single);
        DecoderLayer exact = parts.layer(index, wide)) {
      ReferenceDecoder.Result expected = ReferenceDecoder.layer(exact, x);
      for (MixerTrial trial : exact.mixer().trials(expected.normed())) {
        hold(index, trial, each);
      }
      hold(
          index,
          "block",
          expected.mixed(),
          (engine, way) ->
              Way.whole(way.form())
                  .mixer(
                      engine == single ? narrow : exact,
                      expected.normed().castTo(engine.dataType())),
          each);
      hold(
          index,
          "layer",
          new Outcome(expected.output(), expected.mixed().state()),
          (engine, way) -> advance(engine == single ? narrow : exact, new Stream(engine, way)),
          each);
      return expected.output();
    }
  }

  /** Holds a part of a mixer, on inputs that are fp32, to its own bounds. */
  private void hold(int index, MixerTrial trial, Consumer<VerifiedLine> each) {
    Outcome expected = trial.expected();
    for (Engine engine : engines()) {
      double bound = trial.bound(engine.type());
      new Part(index, trial.part(), engine, bound, bound, each)
          .hold(expected, way -> trial.run(engine, way.form()));
    }
  }

  /** Moves a stream on by a layer. */
  private Outcome advance(DecoderLayer layer, Stream stream) {
    Outcome given = stream.way().layer(layer, streams.get(stream));
    streams.put(stream, given.output());
    return given;
  }

  private void logits(int layers, INDArray x, CheckpointParts parts, Consumer<VerifiedLine> each) {
    try (LmHead narrow = parts.head(single);
        LmHead exact = parts.head(wide)) {
      double eps = checkpoint.config().normEps();
      hold(
          layers,
          "logits",
          new Outcome(ReferenceDecoder.logits(exact, eps, x), Optional.empty()),
          (engine, way) -> {
            LmHead head = engine == single ? narrow : exact;
            return new Outcome(head.logits(streams.get(new Stream(engine, way))), Optional.empty());
          },
          each);
    }
  }

  /** Holds float64 to its bound, and fp32 to its own or to what float64 lets expect. */
  private void hold(
      int layer,
      String name,
      Outcome expected,
      BiFunction<Engine, Way, Outcome> giving,
      Consumer<VerifiedLine> each) {
    double exact = checkpoint.bound(ElementType.FLOAT64);
    OutcomeError lost =
        new Part(layer, name, wide, exact, exact, each)
            .hold(expected, way -> giving.apply(wide, way));
    double bound = checkpoint.bound(ElementType.FLOAT32);
    new Part(
            layer,
            name,
            single,
            Math.max(bound, forFloat32(lost.outputs(), exact)),
            Math.max(bound, forFloat32(lost.states(), exact)),
            each)
        .hold(expected, way -> giving.apply(single, way));
  }

  /** Returns what fp32 may lose where float64 loses this much. */
  private static double forFloat32(RelativeError lost, double most) {
    double error = Math.max(lost.perHead(), lost.perToken() / Bounds.TOKEN_FACTOR);
    return CONDITION * Math.scalb(Math.min(error, most), EPSILONS);
  }
}
