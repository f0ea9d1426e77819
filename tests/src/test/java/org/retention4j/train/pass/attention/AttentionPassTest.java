package org.retention4j.train.pass.attention;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.Resets;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.train.pass.Dual;
import org.retention4j.train.pass.MixerPass;
import org.retention4j.train.pass.PassFixture;
import org.retention4j.train.pass.Segment;

/** Attention forwards and back, against plain mathematics on dual numbers. */
class AttentionPassTest {
  private static final String PREFIX = "layers.1.mixer.";
  private static final int WIDTH = 6;
  private static final int ALL = AttentionConfig.UNBOUNDED;

  private static AttentionConfig config(int heads, int kvHeads, int window, boolean bias) {
    return new AttentionConfig(WIDTH, heads, kvHeads, 4, 100, window, bias);
  }

  /** A shape, rows, and where sequences begin inside the rows, which may be nowhere. */
  record Case(AttentionConfig config, int batch, int tokens, int[][] starts) {
    Segment segment() {
      boolean[] fresh = new boolean[batch];
      Arrays.fill(fresh, true);
      return new Segment(0, starts == null ? Resets.none() : resets(), fresh, false);
    }

    private Resets resets() {
      boolean[][] mask = new boolean[batch][tokens];
      for (int b = 0; b < batch; b++) {
        for (int t : starts[b]) {
          mask[b][t] = true;
        }
      }
      return Resets.mask(mask);
    }

    PassFixture fixture(ElementType type, int lanes) {
      return new PassFixture(type, lanes, batch, tokens, WIDTH, PREFIX, config.weights());
    }

    MixerPass pass(PassFixture at) {
      return new AttentionPass(at.context, config, at.parameters, PREFIX, at.ends);
    }

    /** Runs forwards and back. */
    void run(PassFixture at) {
      run(pass(at));
    }

    void run(MixerPass pass) {
      pass.forward(segment());
      pass.backward(segment());
    }
  }

  static Stream<Case> cases() {
    List<Case> all = new ArrayList<>();
    for (int tokens : new int[] {1, 7, 63, 65, 130}) {
      int batch = 1 + tokens % 3;
      all.add(new Case(config(2, 2, ALL, false), batch, tokens, null));
      all.add(new Case(config(4, 2, ALL, true), batch, tokens, null));
      all.add(new Case(config(3, 1, 5, true), batch, tokens, null));
    }
    all.add(new Case(config(2, 1, 70, false), 1, 200, null));
    all.add(new Case(config(2, 1, ALL, true), 2, 130, new int[][] {{64}, {3, 4, 66, 100, 129}}));
    all.add(new Case(config(4, 2, 6, false), 2, 130, new int[][] {{0, 1, 127}, {}}));
    all.add(new Case(config(2, 2, ALL, false), 3, 7, new int[][] {{}, {2, 3}, {6}}));
    return all.stream();
  }

  private static Dual[][] oracle(Case of, Map<String, Dual[][]> values) {
    Dual[][] x = values.get(PassFixture.X);
    Dual[][] y = new Dual[x.length][];
    Segment segment = of.segment();
    for (int b = 0; b < of.batch(); b++) {
      int from = b * of.tokens();
      for (int t = 1; t <= of.tokens(); t++) {
        if (t == of.tokens() || segment.starts().at(b, t)) {
          int to = b * of.tokens() + t;
          Dual[][] one = sequence(of.config(), values, Arrays.copyOfRange(x, from, to));
          System.arraycopy(one, 0, y, from, to - from);
          from = to;
        }
      }
    }
    return y;
  }

  private static Dual[][] sequence(
      AttentionConfig config, Map<String, Dual[][]> values, Dual[][] x) {
    int d = config.headWidth();
    Dual[][] q = rotated(config, Dual.linear(x, values.get("query"), values.get("query bias")));
    Dual[][] k = rotated(config, Dual.linear(x, values.get("key"), values.get("key bias")));
    Dual[][] v = Dual.linear(x, values.get("value"), values.get("value bias"));
    Dual[][] o = new Dual[x.length][config.heads() * d];
    for (int t = 0; t < x.length; t++) {
      for (int h = 0; h < config.heads(); h++) {
        int kv = h / (config.heads() / config.kvHeads()) * d;
        Dual[] sums = new Dual[d];
        Arrays.fill(sums, Dual.ZERO);
        Dual all = Dual.ZERO;
        for (int j = Math.max(0, t + 1 - config.window()); j <= t; j++) {
          Dual score = Dual.ZERO;
          for (int i = 0; i < d; i++) {
            score = score.plus(q[t][h * d + i].times(k[j][kv + i]));
          }
          Dual weight = score.times(1 / Math.sqrt(d)).exp();
          all = all.plus(weight);
          for (int i = 0; i < d; i++) {
            sums[i] = sums[i].plus(weight.times(v[j][kv + i]));
          }
        }
        for (int i = 0; i < d; i++) {
          o[t][h * d + i] = sums[i].over(all);
        }
      }
    }
    return Dual.linear(o, values.get("output"), null);
  }

  private static Dual[][] rotated(AttentionConfig config, Dual[][] x) {
    int half = config.headWidth() / 2;
    for (int t = 0; t < x.length; t++) {
      for (int start = 0; start < x[t].length; start += config.headWidth()) {
        for (int i = start; i < start + half; i++) {
          double angle = t * Math.pow(config.ropeBase(), -(double) (i - start) / half);
          Dual first = x[t][i];
          Dual second = x[t][i + half];
          x[t][i] = first.times(Math.cos(angle)).minus(second.times(Math.sin(angle)));
          x[t][i + half] = second.times(Math.cos(angle)).plus(first.times(Math.sin(angle)));
        }
      }
    }
    return x;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void outputsAndGradientsAreExact(Case of) {
    try (PassFixture at = of.fixture(ElementType.FLOAT64, 2)) {
      of.run(at);
      at.checkOutput(values -> oracle(of, values), 1e-13);
      at.checkGradients(values -> oracle(of, values), 1e-11);
    }
  }

  @ParameterizedTest
  @CsvSource({"2, 2, 1000, false", "4, 2, 1000, true", "3, 1, 5, true"})
  void forwardIsTheReferenceOfTheLibrary(int heads, int kvHeads, int window, boolean bias) {
    Case of = new Case(config(heads, kvHeads, window, bias), 1, 130, null);
    try (PassFixture at = of.fixture(ElementType.FLOAT64, 1);
        TokenMixer mixer = of.config().create(at.parameters.part(PREFIX))) {
      of.pass(at).forward(of.segment());
      double[][][] x = {PassFixture.read(at.ends.x())};
      double[][] expected =
          mixer.reference(Nd4j.createFromArray(x)).output().slice(0).toDoubleMatrix();
      assertThat(PassFixture.distance(PassFixture.read(at.ends.y()), expected)).isLessThan(1e-12);
    }
  }

  /** What is no number stays neither in tiles nor in the scratch of a lane. */
  @Test
  void aPassForgetsTheOneBefore() {
    Case of = new Case(config(4, 2, 50, true), 1, 130, new int[][] {{20, 90}});
    try (PassFixture at = of.fixture(ElementType.FLOAT32, 1)) {
      MixerPass pass = of.pass(at);
      double[][] x = PassFixture.read(at.ends.x());
      double[][] dy = PassFixture.read(at.ends.dy());
      of.run(pass);
      Map<String, double[][]> first = results(at);
      double[][] bad = new double[x.length][];
      Arrays.setAll(bad, t -> filled(Double.NaN));
      PassFixture.write(at.ends.x(), bad);
      PassFixture.write(at.ends.dy(), bad);
      of.run(pass);
      PassFixture.write(at.ends.x(), x);
      PassFixture.write(at.ends.dy(), dy);
      of.run(pass);
      Map<String, double[][]> third = results(at);
      assertThat(third.get("y")).isDeepEqualTo(first.get("y"));
      assertThat(third.get(PassFixture.X)).isDeepEqualTo(first.get(PassFixture.X));
    }
  }

  private static double[] filled(double value) {
    double[] row = new double[WIDTH];
    Arrays.fill(row, value);
    return row;
  }

  private static Map<String, double[][]> results(PassFixture at) {
    Map<String, double[][]> all = new LinkedHashMap<>(at.gradients());
    all.put("y", PassFixture.read(at.ends.y()));
    return all;
  }

  @ParameterizedTest
  @ValueSource(ints = {9, ALL})
  void aPackedRowIsItsSequencesOneByOne(int window) {
    int[] cuts = {0, 1, 40, 64, 130};
    AttentionConfig config = config(4, 2, window, true);
    Case packed = new Case(config, 1, 130, new int[][] {{1, 40, 64}});
    try (PassFixture whole = packed.fixture(ElementType.FLOAT64, 2)) {
      packed.run(whole);
      Map<String, double[][]> expected = results(whole);
      Map<String, double[][]> sums = new LinkedHashMap<>();
      for (int i = 0; i + 1 < cuts.length; i++) {
        Case one = new Case(config, 1, cuts[i + 1] - cuts[i], null);
        try (PassFixture at = one.fixture(ElementType.FLOAT64, 1)) {
          PassFixture.write(at.ends.x(), cut(whole.ends.x(), cuts, i));
          PassFixture.write(at.ends.dy(), cut(whole.ends.dy(), cuts, i));
          one.run(at);
          results(at).forEach((name, rows) -> sums.merge(name, rows, (a, b) -> join(name, a, b)));
        }
      }
      sums.forEach(
          (name, rows) ->
              assertThat(PassFixture.distance(rows, expected.get(name)))
                  .as(name)
                  .isLessThan(1e-13));
    }
  }

  private static double[][] cut(Tile tile, int[] cuts, int i) {
    return Arrays.copyOfRange(PassFixture.read(tile), cuts[i], cuts[i + 1]);
  }

  /** Rows of tokens come one behind the other, gradients of weights add up. */
  private static double[][] join(String name, double[][] a, double[][] b) {
    if (name.equals("y") || name.equals(PassFixture.X)) {
      return Stream.of(a, b).flatMap(Arrays::stream).toArray(double[][]::new);
    }
    double[][] sum = new double[a.length][];
    for (int i = 0; i < a.length; i++) {
      double[] left = a[i];
      double[] right = b[i];
      sum[i] = new double[left.length];
      Arrays.setAll(sum[i], j -> left[j] + right[j]);
    }
    return sum;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 40, 64, 100, 129})
  void tokensBehindALabelledOneHaveNoGradient(int labelled) {
    Case of = new Case(config(4, 2, ALL, false), 1, 130, new int[][] {{30}});
    try (PassFixture at = of.fixture(ElementType.FLOAT32, 1)) {
      double[][] dy = new double[130][WIDTH];
      dy[labelled] = new Random(1).doubles(WIDTH).toArray();
      PassFixture.write(at.ends.dy(), dy);
      of.run(at);
      double[][] dx = PassFixture.read(at.ends.dx());
      for (int t = 0; t < dx.length; t++) {
        boolean seen = t <= labelled && (labelled < 30 || t >= 30);
        double largest = Arrays.stream(dx[t]).map(Math::abs).max().orElseThrow();
        assertThat(largest > 0).as("token %s", t).isEqualTo(seen);
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void singlePrecisionStaysNearDouble(Case of) {
    try (PassFixture wide = of.fixture(ElementType.FLOAT64, 1);
        PassFixture narrow = of.fixture(ElementType.FLOAT32, 2)) {
      of.run(wide);
      of.run(narrow);
      Map<String, double[][]> expected = results(wide);
      results(narrow)
          .forEach(
              (name, rows) -> {
                if (norm(expected.get(name)) > 1e-9) {
                  assertThat(PassFixture.distance(rows, expected.get(name)))
                      .as(name)
                      .isLessThan(5e-5);
                }
              });
    }
  }

  private static double norm(double[][] rows) {
    return Arrays.stream(rows).flatMapToDouble(Arrays::stream).map(Math::abs).max().orElseThrow();
  }

  @Test
  void bitsDoNotDependOnTheLanes() {
    Case of = new Case(config(4, 2, ALL, true), 3, 130, new int[][] {{64}, {}, {3, 100}});
    Map<String, double[][]> first = null;
    for (int lanes : new int[] {1, 2, 5}) {
      try (PassFixture at = of.fixture(ElementType.FLOAT32, lanes)) {
        of.run(at);
        Map<String, double[][]> own = results(at);
        first = first == null ? own : first;
        Map<String, double[][]> expected = first;
        own.forEach((name, rows) -> assertThat(rows).as(name).isDeepEqualTo(expected.get(name)));
      }
    }
  }
}
