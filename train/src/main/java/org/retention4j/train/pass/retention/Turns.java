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
  private final SegmentPlaces places;
  private final ElementType type;
  private final int batch;
  private final int tokens;
  private final boolean interleaved;
  private final double[] frequencies;
  private final Angles[] angles;

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
    angles = new Angles[context.engine().threads()];
    Arrays.setAll(angles, i -> Angles.of(type, frequencies.length));
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

  /** Moves a lane to a token. */
  void at(Lane lane, int row, int token) {
    if (rotary == null) {
      return;
    }
    if (places.afterReset(row, token)) {
      fromZero.at(0, (int) places.position(row, token), angles[lane.index()]);
    } else {
      rotary.at(row, token, angles[lane.index()]);
    }
  }

  /**
   * The same for the first channels of every head of a token, whose heads are one row of x.
   *
   * @param at the row
   */
  void turnHeads(Lane lane, RowView x, int heads, int channels, int at, double factor) {
    lane.rows().rotateHeads(x, heads, channels, 0, at, interleaved, angles[lane.index()], factor);
  }

  /** x ← factor · x, turned by the angles of the token that the lane was moved to. */
  void turn(Lane lane, RowView x, int row, int token, int head, double factor) {
    lane.rows().rotate(x, row, token, head, interleaved, angles[lane.index()], factor);
  }
}
