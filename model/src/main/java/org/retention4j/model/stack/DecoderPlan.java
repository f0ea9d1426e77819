package org.retention4j.model.stack;

import java.util.List;
import java.util.function.Consumer;
import java.util.function.Function;
import org.retention4j.core.Resets;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.RowView;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.nn.TokenTask;

/**
 * A whole decoder bound to a batch size and a micro-batch: tokens in, logits out. Sessions share
 * it; it remembers nothing of them.
 *
 * @since 0.1
 */
public final class DecoderPlan implements AutoCloseable {
  /** Logits of so many tokens are computed at once. */
  private static final int LOGIT_ROWS = 128;

  private final Engine engine;
  private final TokenEmbedding embedding;
  private final LmHead head;
  private final Runnable requireOpen;
  private final int batch;
  private final int tokens;
  private final StackPlan stack;
  private final TokenTask embed;
  private final Lanes.Task copyLast = this::copyLast;
  private final Logits last;
  private final boolean bfloat16Products;
  private Logits block;
  private int[][] ids;
  private int from;
  private int[] counts;
  private Resets resets;

  /** (B) the position of each row's first token of the micro-batch, unless it is reset. */
  private final long[] starts;

  private RowView lastTo;
  private boolean taken;
  private boolean discarded;

  /**
   * What plans are made for: a form, B, N, whether products may round to bf16, and which of several
   * such: one is in use while callbacks run.
   */
  public record Key(
      SequenceForm form, int batch, int tokens, boolean bfloat16Products, int number) {
    /** The first of several. */
    public Key(SequenceForm form, int batch, int tokens, boolean bfloat16Products) {
      this(form, batch, tokens, bfloat16Products, 0);
    }

    /** Returns the one after this. */
    public Key next() {
      return new Key(form, batch, tokens, bfloat16Products, number + 1);
    }
  }

  /**
   * Binds parts of one width, which stay the caller's.
   *
   * @param requireOpen refuses to go on once they are closed
   */
  public DecoderPlan(
      Engine engine,
      TokenEmbedding embedding,
      List<DecoderLayer> parts,
      LmHead head,
      Key key,
      Runnable requireOpen) {
    this.engine = engine;
    this.embedding = embedding;
    this.head = head;
    this.requireOpen = requireOpen;
    embed = new TokenTask(engine, this::embed);
    batch = key.batch();
    tokens = key.tokens();
    starts = new long[batch];
    bfloat16Products = key.bfloat16Products();
    stack = new StackPlan(engine, parts, key.form(), batch, tokens, bfloat16Products);
    boolean done = false;
    try {
      last = new Logits(batch);
      done = true;
    } finally {
      if (!done) {
        close();
      }
    }
  }

  /** Takes it for use by one call, or returns false where another has it. */
  public synchronized boolean take() {
    boolean free = !taken;
    taken = true;
    return free;
  }

  /** Ends the use that {@link #take} began. */
  public synchronized void release() {
    taken = false;
    if (discarded) {
      close();
    }
  }

  /** Closes it as soon as it is not in use. */
  public synchronized void discard() {
    discarded = true;
    if (!taken) {
      close();
    }
  }

  /** Returns the bytes of the tiles it holds. */
  public long bytes() {
    return stack.bytes();
  }

  /** The head over some tokens of the micro-batch. */
  private final class Logits {
    private final LmHead.Plan plan;
    private final Lanes.Task gather = this::gather;
    private final int size;
    private final int[] from;
    private final int[] places;
    private final long[] positions;
    private int count;

    Logits(int size) {
      this.size = size;
      from = new int[size];
      places = new int[size];
      positions = new long[size];
      plan = head.new Plan(stack.buffers(), stack.scratch(), size, bfloat16Products);
    }

    RowView rows() {
      return plan.logits();
    }

    RowView hidden() {
      return plan.rows();
    }

    void clear() {
      count = 0;
    }

    void add(int row, int token, long position) {
      from[count] = row;
      positions[count] = position;
      places[count++] = token;
    }

    boolean full() {
      return count == size;
    }

    void run() {
      plan.run(count, gather);
    }

    void normalise() {
      plan.normalise(count, gather);
    }

    private void gather(Lane lane, int i) {
      lane.rows().copy(stack.residual(), from[i], places[i], 0, plan.rows(), 0, i, 0);
    }
  }

  /**
   * Advances states over tokens first…first+count−1 of each row.
   *
   * @param states one for each layer, see {@link org.retention4j.model.mixer.TokenMixer#newState},
   *     of B rows or more: those behind the first B stay as they are
   * @param tokenIds rows of checked ids, as many as the states have; rows of no tokens may be null
   * @param tokenCounts 0…N for each of them, and 0 behind the first B
   * @param ofRows resets of the whole rows
   */
  public void run(
      MixerState[] states, int[][] tokenIds, int first, int[] tokenCounts, Resets ofRows) {
    ids = tokenIds;
    resets = ofRows;
    for (int b = 0; b < batch; b++) {
      starts[b] = states[0].position(b);
    }
    from = first;
    counts = tokenCounts;
    embed.run(counts);
    stack.run(states, counts, resets, first);
    ids = null;
  }

  private void embed(Lane lane, int b, int t) {
    embedding.embed(lane, ids[b][from + t], stack.residual(), b, t);
  }

  /**
   * Writes the logits of each row's last token of this micro-batch to row b of {@code to} (B,1,V).
   */
  public void lastLogits(boolean[] wanted, RowView to) {
    last.clear();
    for (int b = 0; b < batch; b++) {
      if (wanted[b]) {
        last.add(b, counts[b] - 1, 0);
      }
    }
    if (last.count == 0) {
      return;
    }
    last.run();
    lastTo = to;
    engine.run(last.count, copyLast);
    lastTo = null;
  }

  private void copyLast(Lane lane, int i) {
    lane.rows().copy(last.rows(), 0, i, 0, lastTo, last.from[i], 0, 0);
  }

  /** Gives the logits of every token of this micro-batch, row by row, from under no lock. */
  public void allLogits(TokenLogits to) {
    each(new double[head.vocabulary()], to, Logits::run, Logits::rows);
  }

  /** Receives what the last layer makes of a token, behind the final norm. */
  @FunctionalInterface
  public interface LastRows {
    /**
     * Takes a row.
     *
     * @param row of the batch
     * @param values (D), reused
     */
    void accept(int row, double[] values);
  }

  /** Gives the last layer's row of every token of this micro-batch, from under no lock. */
  public void allRows(LastRows to) {
    TokenLogits rows = (row, position, values) -> to.accept(row, values);
    each(new double[head.output().inputs()], rows, Logits::normalise, Logits::hidden);
  }

  /**
   * Goes over the tokens, some at once.
   *
   * @param wide room for one row
   * @param work what is done with some
   * @param result where it leaves their rows
   */
  private void each(
      double[] wide, TokenLogits to, Consumer<Logits> work, Function<Logits, RowView> result) {
    if (block == null) {
      whileOpen(() -> block = new Logits(Math.min(LOGIT_ROWS, batch * tokens)));
    }
    block.clear();
    for (int b = 0; b < batch; b++) {
      long position = starts[b];
      for (int t = 0; t < counts[b]; t++) {
        position = resets.at(b, from + t) ? 0 : position;
        block.add(b, t, position++);
        if (block.full()) {
          flush(wide, to, work, result);
        }
      }
    }
    flush(wide, to, work, result);
  }

  private void whileOpen(Runnable work) {
    engine.exclusively(
        () -> {
          requireOpen.run();
          work.run();
        });
  }

  private void flush(
      double[] wide, TokenLogits to, Consumer<Logits> work, Function<Logits, RowView> result) {
    if (block.count == 0) {
      return;
    }
    whileOpen(() -> work.accept(block));
    RowView rows = result.apply(block);
    for (int i = 0; i < block.count; i++) {
      rows.readWide(0, i, 0, wide);
      to.accept(block.from[i], block.positions[i], wide);
    }
    block.clear();
  }

  @Override
  public void close() {
    stack.close();
  }
}
