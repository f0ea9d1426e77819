package org.retention4j.train.pass.retention;

import java.util.Arrays;
import org.retention4j.core.form.Decays;
import org.retention4j.core.form.Places;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.Segment;
import org.retention4j.train.tensor.TrainedTensor;

/**
 * Where the tokens of a segment stand in their sequences: streams go on from the positions in which
 * they ended, and sequences that begin inside it start at 0.
 */
final class SegmentPlaces {
  /** Positions are handed out in two parts, each of which fp32 holds exactly. */
  private static final double PART = 1 << 24;

  private final int batch;
  private final int tokens;
  private final long[][] carried;
  private final long[] start;
  private final Places places;
  private boolean resets;

  /** Makes those of streams that all begin. */
  SegmentPlaces(PassContext context) {
    batch = context.batch();
    tokens = context.tokens();
    carried = new long[context.groups()][batch];
    start = new long[batch];
    places = new Places(batch, tokens);
  }

  /** Takes the places of a segment's tokens. */
  void begin(Segment segment, Decays decays) {
    resets = false;
    for (int b = 0; b < batch; b++) {
      start[b] = segment.fresh()[b] ? 0 : carried[segment.group()][b];
      resets |= places.start(b, tokens, decays);
    }
  }

  /** Returns whether sequences begin inside the segment. */
  boolean resets() {
    return resets;
  }

  /** Returns the position of a row's first token, were there no reset before it. */
  long start(int row) {
    return start[row];
  }

  /** Returns whether a token's sequence begins inside the segment. */
  boolean afterReset(int row, int token) {
    return places.afterReset(row, token);
  }

  /** Returns the position of a token in its sequence. */
  long position(int row, int token) {
    return places.afterReset(row, token) ? places.position(row, token) : start[row] + token;
  }

  /** Lets the streams of the segment that was begun go on behind it, where it is carried. */
  void advance(Segment segment) {
    for (int b = 0; b < batch && segment.carry(); b++) {
      carried[segment.group()][b] = position(b, tokens - 1) + 1;
    }
  }

  /** Returns the carried positions: for each group (2·B), p mod 2^24 and then p / 2^24. */
  TrainedTensor carried(String name) {
    return new TrainedTensor() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public int rows() {
        return carried.length;
      }

      @Override
      public int columns() {
        return 2 * batch;
      }

      @Override
      public void read(int row, double[] into) {
        for (int b = 0; b < batch; b++) {
          into[b] = carried[row][b] % PART;
          into[batch + b] = Math.floor(carried[row][b] / PART);
        }
      }

      @Override
      public void write(int row, double[] from) {
        Arrays.setAll(carried[row], b -> (long) (from[b] + from[batch + b] * PART));
      }
    };
  }
}
