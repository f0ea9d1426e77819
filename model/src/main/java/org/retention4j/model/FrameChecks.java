package org.retention4j.model;

import java.util.Arrays;
import java.util.Locale;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.args.Args;
import org.retention4j.core.BlockInput;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.RowView;

/** Refuses frames that do not fit, before anything is changed. */
final class FrameChecks {
  private final Engine engine;
  private final int width;
  private final int batch;
  private final SequenceStates states;

  /** Whether frames must be finite. */
  private boolean finite;

  FrameChecks(Engine engine, int width, SequenceStates states) {
    this.engine = engine;
    this.width = width;
    this.states = states;
    batch = states.batch();
  }

  /** Returns frames as an input, if they are (B,T,D). */
  static BlockInput frames(INDArray frames) {
    Args.present("frames", frames);
    if (frames.rank() != 3) {
      throw new IllegalArgumentException(
          "expected frames of shape (B,T,D), got " + Arrays.toString(frames.shape()));
    }
    return BlockInput.of(frames);
  }

  void finite(boolean value) {
    finite = value;
  }

  boolean finite() {
    return finite;
  }

  /** Checks a frame of each row, or none, and the room for its output. */
  void step(float[][] in, float[][] out) {
    Args.present("frames", in);
    Args.present("room for outputs", out);
    if (in.length != batch || out.length != batch) {
      throw new IllegalArgumentException(
          "expected frames and outputs of "
              + batch
              + " rows, got "
              + in.length
              + " and "
              + out.length);
    }
    for (int b = 0; b < batch; b++) {
      if (in[b] == null) {
        continue;
      }
      if (in[b].length != width) {
        throw new IllegalArgumentException(
            "expected a frame of " + width + " numbers in row " + b + ", got " + in[b].length);
      }
      if (out[b] == null || out[b].length < width) {
        throw new IllegalArgumentException(
            "expected room for "
                + width
                + " numbers of row "
                + b
                + ", got "
                + (out[b] == null ? "none" : out[b].length));
      }
      states.requireRoom(b, 1);
      for (int i = 0; i < width && finite; i++) {
        requireFinite(in[b][i], b, 0, i);
      }
    }
  }

  /** Checks frames (B,T,D) and where their outputs go; returns T. */
  int append(BlockInput frames, INDArray outputs) {
    INDArray x = frames.x();
    if (frames.decay().isPresent() || frames.keyValues().isPresent()) {
      throw new IllegalArgumentException(
          "expected frames alone, as a layer's decay and stream are its own, got a "
              + (frames.decay().isPresent() ? "log decay" : "key/value stream")
              + " beside them");
    }
    if (x.size(0) != batch || x.size(2) != width) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected frames of shape (%d,T,%d), got %s",
              batch,
              width,
              Arrays.toString(x.shape())));
    }
    if (!Arrays.equals(x.shape(), outputs.shape())) {
      throw new IllegalArgumentException(
          "expected outputs of the frames' shape "
              + Arrays.toString(x.shape())
              + ", got "
              + Arrays.toString(outputs.shape()));
    }
    if (x.dataType() != engine.dataType() || outputs.dataType() != engine.dataType()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected frames and outputs of type %s, the engine's, got %s and %s",
              engine.dataType(),
              x.dataType(),
              outputs.dataType()));
    }
    if (NdArrays.overlap(x, outputs) && !NdArrays.same(x, outputs)) {
      throw new IllegalArgumentException(
          "expected outputs to be the frames themselves or to have memory of their own, got some"
              + " that overlap them");
    }
    if (finite) {
      checkFinite(frames);
    }
    int[] lengths = frames.lengths();
    for (int b = 0; b < batch; b++) {
      states.requireRoom(b, lengths[b], frames.resets());
    }
    return Math.toIntExact(x.size(1));
  }

  private void checkFinite(BlockInput frames) {
    RowView x = NdArrays.view(frames.x());
    int[] lengths = frames.lengths();
    double[] wide = new double[width];
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < lengths[b]; t++) {
        x.readWide(b, t, 0, wide);
        for (int i = 0; i < width; i++) {
          requireFinite(wide[i], b, t, i);
        }
      }
    }
  }

  private static void requireFinite(double value, int row, int token, int place) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected finite frames, got %s at (%d,%d,%d)",
              value,
              row,
              token,
              place));
    }
  }
}
