package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.ReadableByteChannel;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.retention4j.core.StateExchange;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.snapshot.NumberType;
import org.retention4j.snapshot.SnapshotHeader;
import org.retention4j.snapshot.SnapshotReader;
import org.retention4j.snapshot.SnapshotSection;

/** Retention states in a file as other programs read them: S with every token in it. */
class FoldedSnapshotsTest extends SessionFixture {
  private static final SaveOptions FOLDED = SaveOptions.DEFAULT.withFolded();

  /** Of fp32 through three layers, relative to the largest number of a state. */
  private static final double ROUNDING = 1e-4;

  /** Reads in one piece, then steps, so that an fp32 state has tokens pending. */
  private static byte[] saved(LanguageModel model, int steps, SaveOptions options)
      throws IOException {
    try (Session session = model.newSession(2, SessionOptions.DEFAULT)) {
      session.append(new int[][] {text(1, 40), text(2, 7)});
      for (int token : text(3, steps)) {
        session.step(token, (token + 1) % VOCABULARY);
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream();
      session.save(Channels.newChannel(bytes), options);
      return bytes.toByteArray();
    }
  }

  private static ReadableByteChannel channel(byte[] bytes) {
    return Channels.newChannel(new ByteArrayInputStream(bytes));
  }

  /** Returns S of each layer that has one, in the order of the file. */
  private static List<double[]> folded(byte[] bytes) throws IOException {
    SnapshotReader reader = new SnapshotReader(channel(bytes), bytes.length, bytes.length);
    reader.require(SnapshotHeader.SESSION, reader.header().fingerprint());
    List<double[]> all = new ArrayList<>();
    for (SnapshotSection each : reader.header().sections()) {
      assertThat(reader.begin()).isEqualTo(each);
      if (each.tag().equals(StateExchange.FOLDED_TAG)) {
        assertThat(each.needed()).isFalse();
        NumberType type = NumberType.values()[(int) reader.getLong()];
        int heads = (int) reader.getLong();
        int keyWidth = (int) reader.getLong();
        int valueWidth = (int) reader.getLong();
        double[] state = new double[2 * heads * keyWidth * valueWidth];
        double[] row = new double[valueWidth];
        for (int i = 0; i < state.length; i += valueWidth) {
          reader.get(type, row, valueWidth);
          System.arraycopy(row, 0, state, i, valueWidth);
        }
        assertThat(reader.left()).isZero();
        all.add(state);
      } else {
        reader.skip();
      }
    }
    reader.finish();
    return all;
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 15, 16, 17})
  void holdsWhatAFloat64EngineComputes(int steps) throws IOException {
    List<double[]> actual =
        folded(saved(model(config(true), WeightType.FLOAT32, 1), steps, FOLDED));
    assertThat(actual).hasSize(2);
    try (Engine wide = Engine.create(ElementType.FLOAT64, 1, ComputeRoute.PLAIN);
        LanguageModel exact = LanguageModel.random(wide, config(true), WeightType.FLOAT32, 1)) {
      List<double[]> expected = folded(saved(exact, steps, FOLDED));
      for (int layer = 0; layer < expected.size(); layer++) {
        assertThat(distance(actual.get(layer), expected.get(layer)))
            .as("layer %d", layer)
            .isLessThan(ROUNDING);
      }
    }
  }

  private static double distance(double[] actual, double[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    double most = 0;
    double size = 0;
    for (int i = 0; i < actual.length; i++) {
      most = Math.max(most, Math.abs(actual[i] - expected[i]));
      size = Math.max(size, Math.abs(expected[i]));
    }
    return most / size;
  }

  /** The rows are there as well, and decide: what is restored is the same. */
  @Test
  void goesOnToTheBitAllTheSame() throws IOException {
    LanguageModel model = model(config(true), WeightType.FLOAT32, 1);
    byte[] plain = saved(model, 7, SaveOptions.DEFAULT);
    byte[] both = saved(model, 7, FOLDED);
    assertThat(folded(plain)).isEmpty();
    assertThat(both).hasSizeGreaterThan(plain.length);
    try (Session first = model.restore(channel(plain), RestoreOptions.DEFAULT);
        Session second = model.restore(channel(both), RestoreOptions.DEFAULT)) {
      for (int token : text(4, 20)) {
        first.step(token, token);
        second.step(token, token);
      }
      assertThat(logits(second, 0)).isEqualTo(logits(first, 0));
      assertThat(logits(second, 1)).isEqualTo(logits(first, 1));
    }
  }

  /** What is damaged is refused, though nobody needs it. */
  @Test
  void isCheckedLikeTheRest() throws IOException {
    LanguageModel model = model(config(true), WeightType.FLOAT32, 1);
    byte[] both = saved(model, 7, FOLDED.withType(NumberType.BFLOAT16));
    byte[] alone = saved(model, 7, SaveOptions.DEFAULT.withType(NumberType.BFLOAT16));
    for (int at = alone.length / 2; at < both.length; at += 997) {
      byte[] broken = both.clone();
      broken[at] ^= 4;
      org.assertj.core.api.Assertions.assertThatExceptionOfType(
              org.retention4j.snapshot.SnapshotException.class)
          .isThrownBy(() -> model.restore(channel(broken), RestoreOptions.DEFAULT));
    }
  }
}
