package org.retention4j.model;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.CancellationException;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.args.Args;
import org.retention4j.core.BlockInput;
import org.retention4j.core.Resets;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.NdArrays;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.RowView;
import org.retention4j.snapshot.SnapshotHeader;

/**
 * Sequences of frames in progress: what a {@link DecoderStack} remembers of them. With retention
 * layers that does not grow, however long they last.
 *
 * <p>Used by one thread at a time; sessions of one stack may run on many. A refused call changes
 * nothing. A call that fails half-way leaves a session that refuses to go on. Closing twice does no
 * harm; use after close is an {@link IllegalStateException}.
 *
 * @since 0.1
 */
public final class FrameSession implements AutoCloseable {
  private final DecoderStack stack;
  private final Engine engine;
  private final SessionOptions options;
  private final SequenceStates states;
  private final int batch;
  private final int width;
  private final Buffers buffers;
  private final RowView frame;
  private final RowView output;
  private final double[] wide;
  private final FrameChecks checks;
  private final float[][] oneFrame = new float[1][];
  private final float[][] oneOutput = new float[1][];
  private final int[] counts;
  private final int[] padded;
  private final Runnable runPiece = this::runPiece;

  /** Made once, for a step must not allocate. */
  private final FramePlan.Key stepKey;

  private FramePlan.Key key;
  private RowView from;
  private RowView to;
  private int first;
  private Resets resets = Resets.none();
  private boolean torn;
  private boolean closed;

  FrameSession(DecoderStack stack, SessionOptions options, SequenceStates states) {
    this.stack = stack;
    this.options = options;
    this.states = states;
    engine = stack.engine();
    batch = states.batch();
    width = stack.config().modelWidth();
    wide = new double[width];
    checks = new FrameChecks(engine, width, states);
    stepKey = new FramePlan.Key(options.decode(), batch, 1, false);
    counts = new int[batch];
    padded = new int[batch];
    buffers = engine.newBuffers();
    frame = buffers.tile(batch, width).asRows(1, width);
    output = buffers.tile(batch, width).asRows(1, width);
  }

  /** Returns the stack. */
  public DecoderStack stack() {
    return stack;
  }

  /** Returns B. */
  public int batch() {
    return batch;
  }

  /** Returns the number of frames a row has seen since its sequence began. */
  public long position(int row) {
    requireUsable();
    return states.position(row);
  }

  /** Returns the bytes that states, caches and open marks hold. */
  public long bytes() {
    requireOpen();
    return states.bytes();
  }

  /**
   * Has frames checked from now on, or not: a NaN or an infinity is refused then, by row and place,
   * before it spoils a state. By default they are not looked at.
   */
  public FrameSession checkingFrames(boolean value) {
    checks.finite(value);
    return this;
  }

  /**
   * Takes the next frame of the only sequence; allocates nothing once it has run. In a float64
   * engine outputs are rounded to fp32; {@link #append} keeps all digits.
   *
   * @param in (D)
   * @param out receives the output, at least D long; may be {@code in}
   * @throws IllegalArgumentException for a frame of another width, room that is too short, or a
   *     session of several sequences
   */
  public void step(float[] in, float[] out) {
    requireUsable();
    if (batch != 1) {
      throw new IllegalArgumentException(
          "expected a frame for each of " + batch + " rows, got a single one");
    }
    oneFrame[0] = Args.present("a frame", in);
    oneOutput[0] = out;
    step(oneFrame, oneOutput);
  }

  /**
   * Takes the next frame of each sequence; allocates nothing once it has run. It is short: an
   * interrupt does not end it.
   *
   * @param in (B) frames of D; null leaves a row as it is
   * @param out (B) receives the outputs, each at least D long; not looked at where there is no
   *     frame
   * @throws IllegalArgumentException for another number of rows, a frame of another width, room
   *     that is too short, or a full cache
   */
  public void step(float[][] in, float[][] out) {
    requireUsable();
    checks.step(in, out);
    for (int b = 0; b < batch; b++) {
      counts[b] = in[b] == null ? 0 : 1;
      padded[b] = counts[b];
    }
    for (int b = 0; b < batch; b++) {
      if (in[b] != null) {
        write(b, in[b]);
      }
    }
    key = stepKey;
    run(frame, output, 0);
    for (int b = 0; b < batch; b++) {
      if (in[b] != null) {
        output.readNarrow(b, 0, 0, out[b]);
      }
    }
  }

  private void write(int row, float[] in) {
    if (engine.type() == ElementType.FLOAT32) {
      frame.write(row, 0, 0, in);
      return;
    }
    for (int i = 0; i < width; i++) {
      wide[i] = in[i];
    }
    frame.write(row, 0, 0, wide);
  }

  /**
   * Takes frames of each sequence.
   *
   * @param frames (B,T,D) of the engine's type
   * @return outputs (B,T,D), a new array
   * @see #append(BlockInput, INDArray)
   */
  public INDArray append(INDArray frames) {
    return append(FrameChecks.frames(frames));
  }

  /** Takes frames of each sequence; returns outputs (B,T,D), a new array. */
  public INDArray append(BlockInput frames) {
    Args.present("frames", frames);
    INDArray outputs = Nd4j.create(engine.dataType(), frames.x().shape());
    append(frames, outputs);
    return outputs;
  }

  /**
   * Takes frames of each sequence, with lengths of rows and resets inside them where given.
   *
   * @param frames (B,T,D) of the engine's type
   * @param outputs (B,T,D), receives the outputs, 0 behind a row's length; the frames themselves,
   *     or memory of its own
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   * @throws CancellationException if the thread is interrupted: before the first piece, or behind
   *     one. The session stands behind those before, whose outputs are written; the interrupt
   *     status is kept
   */
  public void append(BlockInput frames, INDArray outputs) {
    requireUsable();
    Args.present("frames", frames);
    Args.present("outputs", outputs);
    int tokens = checks.append(frames, outputs);
    if (tokens == 0) {
      return;
    }
    int[] lengths = frames.lengths();
    SequenceForm form = tokens > 1 ? options.prefill() : options.decode();
    int piece = stack.microBatches(form).tokens(tokens, batch);
    int bound = MicroBatches.bound(Math.min(piece, tokens));
    key = new FramePlan.Key(form, batch, bound, bound > 1 && options.bfloat16Prefill());
    RowView x = NdArrays.view(frames.x());
    RowView y = NdArrays.view(outputs);
    resets = frames.resets();
    try {
      for (int start = 0; start < tokens; start += piece) {
        if (Thread.currentThread().isInterrupted()) {
          throw new CancellationException(
              String.format(
                  Locale.ROOT,
                  "interrupted after %d of %d frames: the session stands behind them",
                  start,
                  tokens));
        }
        for (int b = 0; b < batch; b++) {
          padded[b] = Math.min(piece, tokens - start);
          counts[b] = Math.max(0, Math.min(padded[b], lengths[b] - start));
        }
        run(x, y, start);
      }
    } finally {
      resets = Resets.none();
    }
  }

  private void run(RowView x, RowView y, int start) {
    from = x;
    to = y;
    first = start;
    try {
      engine.exclusively(runPiece);
    } finally {
      from = null;
      to = null;
    }
  }

  private void runPiece() {
    FramePlan plan = stack.plan(key);
    torn = true;
    plan.run(states.layers(), from, to, first, counts, padded, resets);
    torn = false;
  }

  /**
   * Lets a row begin anew, at position 0, while the others go on.
   *
   * @throws IllegalArgumentException if there is no such row
   */
  public void reset(int row) {
    requireUsable();
    states.requireRow(row);
    torn = true;
    states.reset(row);
    torn = false;
  }

  /** Returns a copy of a layer's state (B,H,K,V); see {@link Session#state}. */
  public INDArray state(int layer) {
    requireUsable();
    return states.state(layer);
  }

  /** Returns an independent copy that goes on bit for bit as this session would. */
  public FrameSession fork() {
    return select(states.allRows());
  }

  /**
   * Returns an independent session of some of the sequences, which may repeat.
   *
   * @param rows at least one, each in 0…B−1
   */
  public FrameSession select(int... rows) {
    requireUsable();
    return new FrameSession(stack, options, states.select(rows)).checkingFrames(checks.finite());
  }

  /** A moment of a session, see {@link #mark}. */
  public static final class Mark implements AutoCloseable {
    private final SequenceStates.Moment moment;

    private Mark(SequenceStates.Moment moment) {
      this.moment = moment;
    }

    /** Frees the copies of states; the mark cannot be returned to any more. */
    @Override
    public void close() {
      moment.close();
    }
  }

  /** Remembers this moment; states that change behind it are held twice until it is closed. */
  public Mark mark() {
    requireUsable();
    return new Mark(states.moment());
  }

  /**
   * Forgets what was seen since a mark. The mark stays valid; later ones end.
   *
   * @throws IllegalArgumentException for a mark that ended or is another session's
   */
  public void rollback(Mark mark) {
    requireUsable();
    Args.present("a mark", mark);
    states.check(mark.moment);
    torn = true;
    states.rollback(mark.moment);
    torn = false;
  }

  /**
   * Writes all sequences to a file, which appears whole, in the place of one that is there.
   *
   * @throws IOException if it cannot be written; what was there before stays then
   */
  public void save(Path path, SaveOptions options) throws IOException {
    requireUsable();
    SnapshotFiles.write(path, options, channel -> save(channel, options));
  }

  /** Writes all sequences to a channel, which stays the caller's. */
  public void save(WritableByteChannel to, SaveOptions options) throws IOException {
    requireUsable();
    Args.present("options", options);
    SnapshotSections.Contents all =
        new SnapshotSections.Contents(states, null, states.allRows(), options);
    SnapshotSections.write(to, SnapshotHeader.FRAMES, stack.fingerprint(), engine, all);
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this session is closed");
    }
  }

  private void requireUsable() {
    requireOpen();
    if (torn) {
      throw new IllegalStateException(
          "an earlier call failed half-way: this session cannot go on, make a new one");
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    states.close();
    buffers.close();
  }
}
