package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.retention4j.core.reference.Bounds;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.snapshot.NumberType;

/** Sessions that are saved and restored again and again, beside those that never were. */
class RestoredHistoriesTest {
  private static final int FEW = 30;
  private static final int ALL = 170;
  private static final int ACTS = 12;
  private static final int ROWS = 3;
  private static final String GOLDEN = "/org/retention4j/snapshot/version-1.session";

  /** What is saved: whatever a session may be. */
  enum Kind {
    RETENTION_VECTOR(ElementType.FLOAT32, ComputeRoute.VECTOR, false, 0),
    RETENTION_PLAIN(ElementType.FLOAT32, ComputeRoute.PLAIN, false, 0),
    RETENTION_FLOAT64(ElementType.FLOAT64, ComputeRoute.PLAIN, false, 0),
    HYBRID_WINDOW(ElementType.FLOAT32, ComputeRoute.VECTOR, false, 20),
    HYBRID_BFLOAT16(ElementType.FLOAT32, ComputeRoute.VECTOR, true, AttentionConfig.UNBOUNDED),
    HYBRID_FLOAT64(ElementType.FLOAT64, ComputeRoute.PLAIN, false, 300);

    final ElementType type;
    final ComputeRoute route;
    final boolean halfCache;
    final int window;

    Kind(ElementType type, ComputeRoute route, boolean halfCache, int window) {
      this.type = type;
      this.route = route;
      this.halfCache = halfCache;
      this.window = window;
    }

    DecoderConfig config() {
      LayerConfig retention = SessionFixture.RETENTION;
      if (window == 0) {
        return DecoderConfig.of(SessionFixture.VOCABULARY, 32, DecoderConfig.uniform(2, retention));
      }
      AttentionConfig attention = new AttentionConfig(32, 4, 2, 8, 10_000, window, true);
      return DecoderConfig.of(
          SessionFixture.VOCABULARY,
          32,
          List.of(retention, new LayerConfig(attention, 40, Activation.SILU)));
    }

    SessionOptions options() {
      return halfCache
          ? SessionOptions.DEFAULT.withCache(
              KvCacheOptions.DEFAULT.withCacheType(CacheType.BFLOAT16))
          : SessionOptions.DEFAULT;
    }
  }

  private static WeightType weights(ElementType type) {
    return type == ElementType.FLOAT64 ? WeightType.FLOAT64 : WeightType.FLOAT32;
  }

  private static byte[] saved(Session session, SaveOptions options) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    session.save(Channels.newChannel(bytes), options);
    return bytes.toByteArray();
  }

  private static Session restored(LanguageModel model, byte[] bytes, SessionOptions options)
      throws IOException {
    return model.restore(
        Channels.newChannel(new ByteArrayInputStream(bytes)),
        RestoreOptions.DEFAULT.withSession(options));
  }

  /** The same acts on two sessions, one of which goes through bytes between them. */
  @ParameterizedTest
  @EnumSource
  void goesOnToTheBit(Kind kind) throws IOException {
    histories(kind, 0, FEW);
  }

  /** With those above 1,020 in all. */
  @Tag("slow")
  @ParameterizedTest
  @EnumSource
  void goesOnToTheBitInAThousandHistories(Kind kind) throws IOException {
    histories(kind, FEW, ALL);
  }

  private static void histories(Kind kind, int from, int to) throws IOException {
    try (Engine engine = Engine.create(kind.type, 2, kind.route);
        LanguageModel model = LanguageModel.random(engine, kind.config(), weights(kind.type), 5)) {
      for (int seed = from; seed < to; seed++) {
        history(model, kind.options(), new SplittableRandom(seed));
      }
    }
  }

  private static void history(LanguageModel model, SessionOptions options, SplittableRandom random)
      throws IOException {
    Session kept = model.newSession(ROWS, options);
    Session moved = model.newSession(ROWS, options);
    try {
      for (int act = 0; act < ACTS; act++) {
        act(kept, moved, random);
        if (random.nextInt(3) == 0) {
          byte[] bytes = saved(moved, SaveOptions.DEFAULT);
          moved.close();
          moved = restored(model, bytes, options);
        }
        assertSame(moved, kept);
      }
    } finally {
      kept.close();
      moved.close();
    }
  }

  /** Steps, prompts of all lengths and beginnings anew, of some rows. */
  private static void act(Session kept, Session moved, SplittableRandom random) {
    int what = random.nextInt(8);
    if (what == 0) {
      int row = random.nextInt(ROWS);
      kept.reset(row);
      moved.reset(row);
    } else if (what < 3) {
      int[][] rows = new int[ROWS][];
      for (int row = 0; row < ROWS; row++) {
        int length = random.nextInt(4) == 0 ? random.nextInt(150) : random.nextInt(9);
        rows[row] = random.ints(length, 0, SessionFixture.VOCABULARY).toArray();
      }
      kept.append(rows);
      moved.append(rows);
    } else {
      for (int i = random.nextInt(20); i >= 0; i--) {
        int[] tokens = random.ints(ROWS, -1, SessionFixture.VOCABULARY).toArray();
        kept.step(tokens);
        moved.step(tokens);
      }
    }
  }

  private static void assertSame(Session actual, Session expected) {
    double[] a = new double[SessionFixture.VOCABULARY];
    double[] b = new double[SessionFixture.VOCABULARY];
    for (int row = 0; row < ROWS; row++) {
      assertThat(actual.position(row)).isEqualTo(expected.position(row));
      if (expected.position(row) > 0) {
        actual.logits(row, a);
        expected.logits(row, b);
        assertThat(a).isEqualTo(b);
      }
    }
  }

  /** A state in the middle of a fold goes on in every other engine, within the bounds. */
  @Test
  void movesBetweenEngines() throws IOException {
    int[] prompt = SessionFixture.text(1, 137);
    int[] rest = SessionFixture.text(2, 29);
    double[] expected = null;
    for (Kind from : Kind.values()) {
      if (from.window != 0) {
        continue;
      }
      for (Kind to : Kind.values()) {
        if (to.window != 0) {
          continue;
        }
        double[] got = moved(from, to, prompt, rest);
        expected = expected == null ? got : expected;
        double difference = 0;
        double size = 0;
        for (int i = 0; i < got.length; i++) {
          difference += Math.pow(got[i] - expected[i], 2);
          size += expected[i] * expected[i];
        }
        assertThat(Math.sqrt(difference / size))
            .as(from + " to " + to)
            .isLessThan(Bounds.model(ElementType.FLOAT32));
      }
    }
  }

  /** Weights are fp32 in both, so that the models are the same. */
  private static double[] moved(Kind from, Kind to, int[] prompt, int[] rest) throws IOException {
    byte[] bytes;
    try (Engine engine = Engine.create(from.type, 1, from.route);
        LanguageModel model = LanguageModel.random(engine, from.config(), WeightType.FLOAT32, 5);
        Session session = model.newSession()) {
      session.append(prompt);
      for (int token : SessionFixture.text(3, 11)) {
        session.step(token);
      }
      bytes = saved(session, SaveOptions.DEFAULT);
    }
    try (Engine engine = Engine.create(to.type, 1, to.route);
        LanguageModel model = LanguageModel.random(engine, to.config(), WeightType.FLOAT32, 5);
        Session session =
            restored(model, bytes, SessionOptions.DEFAULT.withForm(new ParallelForm()))) {
      session.append(rest);
      double[] logits = new double[SessionFixture.VOCABULARY];
      session.logits(0, logits);
      return logits;
    }
  }

  /** The file was written by version 1, and is read for ever. */
  @Test
  void readsWhatVersionOneWrote() throws IOException {
    LayerConfig retention = new LayerConfig(RetentionMixerConfig.fla(16, 2), 8, Activation.SILU);
    AttentionConfig attention = new AttentionConfig(16, 2, 1, 8, 10_000, 6, true);
    DecoderConfig config =
        DecoderConfig.of(
            11, 16, List.of(retention, new LayerConfig(attention, 8, Activation.SILU)));
    try (Engine engine = Engine.create(ElementType.FLOAT64, 1, ComputeRoute.PLAIN);
        LanguageModel model = LanguageModel.random(engine, config, WeightType.FLOAT32, 1);
        InputStream golden = RestoredHistoriesTest.class.getResourceAsStream(GOLDEN);
        Snapshot snapshot =
            model.readSnapshot(Channels.newChannel(golden), RestoreOptions.DEFAULT);
        Session back = model.restore(snapshot, SessionOptions.DEFAULT);
        Session expected = model.newSession(2, SessionOptions.DEFAULT)) {
      assertThat(model.fingerprint())
          .hasToString("55441f056d62b496fdffe42772d19dedb8a513047d97f9dc39972186b3eaa926");
      assertThat(snapshot.tokens()).containsExactly(new int[] {1, 2, 3, 5}, new int[] {4, 6});
      expected.append(new int[][] {{1, 2, 3, 5, 7}, {4, 6, 8}});
      back.step(7, 8);
      double[] a = new double[11];
      double[] b = new double[11];
      for (int row = 0; row < 2; row++) {
        back.logits(row, a);
        expected.logits(row, b);
        assertThat(a).containsExactly(b, within(1e-5));
      }
    }
  }

  /** Half the bytes, and as exact as bf16 is. */
  @Test
  void isRoundedForTransportWhenAsked() throws IOException {
    try (Engine engine = Engine.create(ElementType.FLOAT32, 1, ComputeRoute.best());
        LanguageModel model =
            LanguageModel.random(engine, Kind.RETENTION_VECTOR.config(), WeightType.FLOAT32, 5);
        Session session = model.newSession()) {
      session.append(SessionFixture.text(1, 64));
      byte[] whole = saved(session, SaveOptions.DEFAULT);
      byte[] half = saved(session, SaveOptions.DEFAULT.withType(NumberType.BFLOAT16));
      assertThat((double) half.length / whole.length).isBetween(0.5, 0.6);
      try (Session back = restored(model, half, SessionOptions.DEFAULT)) {
        session.append(3);
        back.append(3);
        assertThat(
                SessionFixture.difference(
                    SessionFixture.logits(back, 0), SessionFixture.logits(session, 0)))
            .isBetween(1e-6, 2e-2);
      }
    }
  }
}
