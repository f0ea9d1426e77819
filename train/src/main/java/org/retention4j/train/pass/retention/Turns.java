package org.retention4j.train.pass.retention;

import java.util.Arrays;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.Rotation;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.RowView;
import org.retention4j.nn.Rotary;
import org.retention4j.train.pass.PassContext;

/** The angles by which the queries and keys of a segment turn, one way or the other. */
final class Turns {
  /** Rows at most that a lane is moved to at once. */
  static final int ROWS = 16;

  private final SegmentPlaces places;
  private final ElementType type;
  private final int batch;
  private final int tokens;
  private final boolean interleaved;
  private final double[] frequencies;

  /** By lane: those of rows that follow each other. */
  private final Angles[][] angles;

  /** None where nothing turns. */
  private final Rotary rotary;

  /** Turns what follows a reset; none until there is one. */
  private Rotary fromZero;

  /**
   * Binds.
   *
   * @param sign 1 forwards, −1 on the way back: the inverse is the transpose
   */
  Turns(PassContext context, RetentionConfig config, SegmentPlaces places, int sign) {
    this.places = places;
    type = context.engine().type();
    batch = context.batch();
    tokens = context.tokens();
    interleaved = config.rotation().layout() == Rotation.Layout.INTERLEAVED;
    boolean active = config.rotation().active();
    frequencies =
        active
            ? Arrays.stream(config.rotation().frequencies(config.keyWidth()))
                .map(theta -> sign * theta)
                .toArray()
            : new double[0];
    rotary = active ? new Rotary(type, frequencies, batch, tokens) : null;
    angles = new Angles[context.engine().threads()][ROWS];
    for (Angles[] ofLane : angles) {
      Arrays.setAll(ofLane, i -> Angles.of(type, frequencies.length));
    }
  }

  /** Prepares the angles of the segment whose places were taken. */
  void begin() {
    if (rotary == null) {
      return;
    }
    for (int b = 0; b < batch; b++) {
      rotary.start(b, places.start(b), tokens);
    }
    if (places.resets() && fromZero == null) {
      fromZero = new Rotary(type, frequencies, 1, tokens);
      fromZero.start(0, 0, tokens);
    }
  }

  /** Moves a lane to some rows of (B·T), {@link #ROWS} at most. */
  void at(Lane lane, int from, int count) {
    for (int i = 0; i < count && rotary != null; i++) {
      at((from + i) / tokens, (from + i) % tokens, angles[lane.index()][i]);
    }
  }

  private void at(int row, int token, Angles to) {
    if (places.afterReset(row, token)) {
      fromZero.at(0, (int) places.position(row, token), to);
    } else {
      rotary.at(row, token, to);
    }
  }

  /**
   * Turns the first channels of every head of the rows that the lane was moved to; a row's heads
   * stand side by side. Out may be x.
   */
  void turnHeads(
      Lane lane,
      RowView x,
      int heads,
      int channels,
      int from,
      int count,
      double factor,
      RowView out) {
    lane.rows()
        .rotateHeads(
            x, heads, channels, from, count, interleaved, angles[lane.index()], factor, out);
  }

  /** x ← factor · x, turned by the angles of row {@code i} of those the lane was moved to. */
  void turn(Lane lane, int i, RowView x, int row, int token, int head, double factor) {
    lane.rows().rotate(x, row, token, head, interleaved, angles[lane.index()][i], factor);
  }
}
