package org.retention4j.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.Resets;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Npy;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.TensorAssert;
import org.retention4j.testkit.Tensors;
import org.retention4j.testkit.Tolerance;

/**
 * Whole models against logits and states that independent code computed in float64, in every form,
 * at once and split.
 */
class GoldenModelTest {
  private static final List<String> MODELS =
      List.of("fla-f32", "fla-bf16", "fla-hybrid", "torchscale-f32");

  /** Every split of a text into parts: the last part goes token by token. */
  private static final int[][] SPLITS = {{0}, {1}, {7, 1}, {16, 0}, {33, 5}};

  private static String folder(String model) {
    return "/golden/model/" + model + "/";
  }

  private static Tolerance tolerance(String model, ElementType type) {
    return model.startsWith("torchscale")
        ? Tolerance.of(type + " against golden logits, torchscale", Bounds.torchscaleModel(type))
        : Tolerance.of(type + " against golden logits, fla", Bounds.model(type));
  }

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (String model : MODELS) {
      for (Engine engine : List.of(Engines.float64(), Engines.plain(), Engines.vector())) {
        for (RetentionForm form :
            List.of(
                new ParallelForm(),
                new RecurrentForm(),
                new ChunkwiseForm(),
                new ChunkwiseForm(16),
                new ChunkwiseForm(7))) {
          cases.add(Arguments.of(model, engine, form, engine.kernelsName()));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest(name = "{0}, {3}, {2}", autoCloseArguments = false)
  @MethodSource("cases")
  void givesTheGoldenLogitsAndStates(
      String name, Engine engine, RetentionForm form, String provider) {
    int[][] ids = Npy.readIds(folder(name) + "input_ids.npy");
    try (LanguageModel model = load(name, engine, WeightChoice.FILE)) {
      for (int[] split : SPLITS) {
        SessionOptions options =
            new SessionOptions(form, new RecurrentForm(), false, KvCacheOptions.DEFAULT);
        try (Session session = model.newSession(ids.length, options)) {
          INDArray logits = logits(session, ids, split);
          TensorAssert.assertThat(logits)
              .as("split %s", Arrays.toString(split))
              .isCloseTo(golden(name), tolerance(name, engine.type()));
          assertStates(name, session, tolerance(name, engine.type()));
        }
      }
    }
  }

  private static INDArray golden(String name) {
    String file = name.startsWith("torchscale") ? "logits_recurrent.npy" : "logits.npy";
    return Npy.read(folder(name) + file);
  }

  private static void assertStates(String name, Session session, Tolerance tolerance) {
    for (int layer = 0; layer < session.model().layers().size(); layer++) {
      String file = folder(name) + "state_layer" + layer + ".npy";
      if (Npy.exists(file)) {
        TensorAssert.assertThat(session.state(layer))
            .as("state of layer %s", layer)
            .isCloseTo(Npy.read(file), tolerance);
      }
    }
  }

  private static LanguageModel load(String name, Engine engine, WeightChoice weights) {
    Checkpoint checkpoint = Checkpoint.open(Npy.path(folder(name)));
    return checkpoint.load(engine, LoadOptions.DEFAULT.withWeights(weights).withCheckFinite(true));
  }

  /** Reads the text in parts and the rest token by token; returns all logits. */
  private static INDArray logits(Session session, int[][] ids, int[] split) {
    int tokens = ids[0].length;
    int vocabulary = session.model().config().vocabulary();
    double[] all = new double[ids.length * tokens * vocabulary];
    int from = 0;
    for (int length : split) {
      int n = split.length == 1 && length == 0 ? tokens : Math.min(length, tokens - from);
      int start = from;
      int[][] part = new int[ids.length][];
      for (int b = 0; b < ids.length; b++) {
        part[b] = Arrays.copyOfRange(ids[b], start, start + n);
      }
      session.append(
          part,
          (row, position, logits) ->
              System.arraycopy(
                  logits, 0, all, ((int) position + row * tokens) * vocabulary, vocabulary));
      from += n;
    }
    double[] row = new double[vocabulary];
    for (; from < tokens; from++) {
      int[] step = new int[ids.length];
      for (int b = 0; b < ids.length; b++) {
        step[b] = ids[b][from];
      }
      session.step(step);
      for (int b = 0; b < ids.length; b++) {
        session.logits(b, row);
        System.arraycopy(row, 0, all, (b * tokens + from) * vocabulary, vocabulary);
      }
    }
    return Tensors.of(
        all, org.nd4j.linalg.api.buffer.DataType.DOUBLE, ids.length, tokens, vocabulary);
  }

  /** All texts in one row, one behind the other, whole and cut where no text begins. */
  @ParameterizedTest(name = "{0}, {3}, {2}", autoCloseArguments = false)
  @MethodSource("cases")
  void givesTheGoldenLogitsInOneRow(
      String name, Engine engine, RetentionForm form, String provider) {
    int[][] ids = Npy.readIds(folder(name) + "input_ids.npy");
    int tokens = ids[0].length;
    int[] row = Arrays.stream(ids).flatMapToInt(Arrays::stream).toArray();
    int[] starts = IntStream.rangeClosed(0, ids.length).map(i -> i * tokens).toArray();
    Resets resets = Resets.cumulative(starts);
    try (LanguageModel model = load(name, engine, WeightChoice.FILE)) {
      int vocabulary = model.config().vocabulary();
      for (int cut : new int[] {row.length, tokens + 5, 9}) {
        double[] all = new double[row.length * vocabulary];
        int[] at = {0};
        try (Session session = model.newSession(1, SessionOptions.DEFAULT.withForm(form))) {
          for (int from = 0; from < row.length; from += cut) {
            int to = Math.min(row.length, from + cut);
            session.appendPacked(
                new int[][] {Arrays.copyOfRange(row, from, to)},
                resets.tokens(from, to),
                (b, position, logits) -> {
                  assertThat(position).isEqualTo(at[0] % tokens);
                  System.arraycopy(logits, 0, all, at[0]++ * vocabulary, vocabulary);
                });
          }
        }
        TensorAssert.assertThat(
                Tensors.of(
                    all,
                    org.nd4j.linalg.api.buffer.DataType.DOUBLE,
                    ids.length,
                    tokens,
                    vocabulary))
            .as("cut after %s", cut)
            .isCloseTo(golden(name), tolerance(name, engine.type()));
      }
    }
  }

  private static double error(INDArray actual, INDArray expected) {
    double[] a = Tensors.flat(actual);
    double[] b = Tensors.flat(expected);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < a.length; i++) {
      difference += (a[i] - b[i]) * (a[i] - b[i]);
      norm += b[i] * b[i];
    }
    return Math.sqrt(difference / norm);
  }

  /** What rounds more than the weights stays within its bound, and does round. */
  @Test
  void roundsAsMuchAsIsAskedFor() {
    for (String name : MODELS) {
      int[][] ids = Npy.readIds(folder(name) + "input_ids.npy");
      try (LanguageModel model = load(name, Engines.vector(), WeightChoice.INT8);
          Session session = model.newSession(ids.length, SessionOptions.DEFAULT)) {
        double error = error(logits(session, ids, new int[] {0}), golden(name));
        assertThat(error).as("int8 on %s", name).isBetween(1e-4, 6e-2);
        try (Session stepping = model.newSession(ids.length, SessionOptions.DEFAULT)) {
          // Few rows of 8-bit weights on the heap are not rounded themselves.
          double stepped = error(logits(stepping, ids, new int[] {1}), golden(name));
          double most =
              Engines.vector().kernelsName().matches("vector-(256|512)")
                  ? error * (1 + 1e-4)
                  : 6e-2;
          assertThat(stepped).as("int8 on %s, token by token", name).isBetween(1e-4, most);
        }
      }
      try (LanguageModel model = load(name, Engines.vector(), WeightChoice.BFLOAT16);
          Session session =
              model.newSession(ids.length, SessionOptions.DEFAULT.withBfloat16Prefill(true))) {
        double error = error(logits(session, ids, new int[] {0}), golden(name));
        boolean exact = name.equals("fla-bf16") && !Engines.vector().multipliesBfloat16();
        assertThat(error)
            .as("bf16 x bf16 on %s", name)
            .isBetween(exact ? 0 : 1e-4, exact ? Bounds.model(ElementType.FLOAT32) : 2e-2);
      }
    }
  }

  /** A cache in bf16 costs some exactness and half the memory. */
  @Test
  void keepsACacheInBfloat16() {
    String name = "fla-hybrid";
    int[][] ids = Npy.readIds(folder(name) + "input_ids.npy");
    KvCacheOptions narrow = KvCacheOptions.DEFAULT.withCacheType(CacheType.BFLOAT16);
    for (Engine engine : List.of(Engines.plain(), Engines.vector())) {
      try (LanguageModel model = load(name, engine, WeightChoice.FILE)) {
        for (int[] split : new int[][] {{0}, {7, 1}}) {
          try (Session half =
                  model.newSession(ids.length, SessionOptions.DEFAULT.withCache(narrow));
              Session full = model.newSession(ids.length, SessionOptions.DEFAULT)) {
            double error = error(logits(half, ids, split), golden(name));
            assertThat(error).isBetween(1e-5, 1e-2);
            full.append(ids);
            assertThat(half.bytes()).isLessThan(full.bytes());
          }
        }
      }
    }
  }
}
