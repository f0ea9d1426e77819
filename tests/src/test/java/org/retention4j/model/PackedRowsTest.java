package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.Resets;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/** Rows that hold many sequences give what the sequences give alone. */
class PackedRowsTest {
  private static final int VOCABULARY = SessionFixture.VOCABULARY;

  /** Of two rows, longer than a micro-batch of both and than a chunk. */
  private static final int[][] LENGTHS = {{1, 7, 63, 64, 65, 1, 1, 130, 2}, {40, 300, 1, 20}};

  /** The rows, where sequences begin, and for each place the logits that it has alone. */
  private record Packed(int[][] rows, Resets resets, double[][][] alone) {}

  private static Packed pack(LanguageModel model, SessionOptions options) {
    int[][] rows = new int[LENGTHS.length][];
    double[][][] alone = new double[LENGTHS.length][][];
    int longest = Arrays.stream(LENGTHS).mapToInt(row -> IntStream.of(row).sum()).max().orElse(0);
    boolean[][] begins = new boolean[LENGTHS.length][longest];
    for (int b = 0; b < LENGTHS.length; b++) {
      List<Integer> row = new ArrayList<>();
      List<double[]> logits = new ArrayList<>();
      for (int length : LENGTHS[b]) {
        begins[b][row.size()] = true;
        int[] text = SessionFixture.text(100L * b + row.size(), length);
        IntStream.of(text).forEach(row::add);
        try (Session session = model.newSession(1, options)) {
          session.append(new int[][] {text}, (r, position, l) -> logits.add(l.clone()));
        }
      }
      rows[b] = row.stream().mapToInt(i -> i).toArray();
      alone[b] = logits.toArray(new double[0][]);
    }
    return new Packed(rows, Resets.mask(begins), alone);
  }

  private static double difference(double[] actual, double[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < actual.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    return Math.sqrt(difference / size);
  }

  static Stream<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (Engine engine : List.of(Engines.float64(), Engines.plain(), Engines.vector())) {
      for (DecoderConfig config :
          List.of(
              SessionFixture.config(false),
              SessionFixture.config(true),
              SessionFixture.twoLayers())) {
        for (SequenceForm form :
            List.of(
                new ChunkwiseForm(),
                new ChunkwiseForm(7),
                new ParallelForm(),
                new RecurrentForm())) {
          cases.add(
              Arguments.of(
                  engine,
                  config,
                  form,
                  engine.kernelsName() + ", " + config.layers().size() + " layers"));
        }
      }
    }
    return cases.stream();
  }

  @ParameterizedTest(name = "{3}, {2}", autoCloseArguments = false)
  @MethodSource("cases")
  void everySequenceGetsWhatItGetsAlone(
      Engine engine, DecoderConfig config, SequenceForm form, String name) {
    double bound = Bounds.model(engine.type());
    try (LanguageModel model = LanguageModel.random(engine, config, WeightType.FLOAT32, 3)) {
      SessionOptions options = SessionOptions.DEFAULT.withForm(form);
      Packed packed = pack(model, options);
      int longest = Arrays.stream(packed.rows).mapToInt(row -> row.length).max().orElse(0);
      for (int[] cuts : new int[][] {{0, longest}, {0, 1, 72, 73, 200, longest}}) {
        try (Session session = model.newSession(LENGTHS.length, options)) {
          session.append(new int[][] {{5, 6}, {7}}); // dropped by the resets
          int[] seen = new int[LENGTHS.length];
          long[] expectedPosition = new long[LENGTHS.length];
          for (int c = 1; c < cuts.length; c++) {
            session.appendPacked(
                part(packed.rows, cuts[c - 1], cuts[c]),
                packed.resets.tokens(cuts[c - 1], cuts[c]),
                (b, position, logits) -> {
                  boolean begins = packed.resets.at(b, seen[b]);
                  expectedPosition[b] = begins ? 0 : expectedPosition[b] + 1;
                  assertThat(position).isEqualTo(expectedPosition[b]);
                  assertThat(difference(logits, packed.alone[b][seen[b]]))
                      .as("row %s, token %s", b, seen[b])
                      .isLessThan(bound);
                  seen[b]++;
                });
          }
          for (int b = 0; b < LENGTHS.length; b++) {
            assertThat(seen[b]).isEqualTo(packed.rows[b].length);
            assertThat(session.position(b)).isEqualTo(last(LENGTHS[b]));
          }
          goesOn(model, options, session, packed, bound);
        }
      }
    }
  }

  private static int last(int[] lengths) {
    return lengths[lengths.length - 1];
  }

  private static int[][] part(int[][] rows, int from, int to) {
    return Arrays.stream(rows)
        .map(row -> Arrays.copyOfRange(row, Math.min(from, row.length), Math.min(to, row.length)))
        .toArray(int[][]::new);
  }

  /** The session stands behind each row's last sequence alone, and so do forks. */
  private static void goesOn(
      LanguageModel model, SessionOptions options, Session session, Packed packed, double bound) {
    double[] actual = new double[VOCABULARY];
    double[] expected = new double[VOCABULARY];
    try (Session fork = session.fork()) {
      fork.step(9, 10);
      fork.append(new int[][] {SessionFixture.text(1, 70), SessionFixture.text(2, 3)});
      for (int b = 0; b < LENGTHS.length; b++) {
        int[] row = packed.rows[b];
        try (Session alone = model.newSession(1, options)) {
          alone.append(Arrays.copyOfRange(row, row.length - last(LENGTHS[b]), row.length));
          alone.logits(0, expected);
          session.logits(b, actual);
          assertThat(difference(actual, expected)).isLessThan(bound);
          alone.step(9 + b);
          alone.append(SessionFixture.text(1 + b, b == 0 ? 70 : 3));
          alone.logits(0, expected);
          fork.logits(b, actual);
          assertThat(difference(actual, expected)).isLessThan(bound);
        }
      }
    }
  }
}
