package org.retention4j.model;

import java.util.ArrayList;
import java.util.List;
import org.retention4j.engine.Arena;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Lane;
import org.retention4j.engine.LaneTask;
import org.retention4j.engine.Rows;
import org.retention4j.engine.Scratch;
import org.retention4j.engine.Tile;
import org.retention4j.engine.TokenTask;

/**
 * A whole decoder bound to a batch size and a piece length: tokens in, logits out. Sessions share
 * it; it remembers nothing of them.
 */
final class StackPass implements AutoCloseable {
  /** Logits of so many tokens are computed at once. */
  private static final int LOGIT_ROWS = 128;

  private final Engine engine;
  private final LanguageModel model;
  private final int batch;
  private final int tokens;
  private final Arena arena = new Arena();
  private final Scratch scratch;
  private final Rows residual;
  private final List<LayerPass> layers = new ArrayList<>();
  private final TokenTask embed;
  private final LaneTask copyLast = this::copyLast;
  private final Head last;
  private final boolean bfloat16Products;
  private Head block;
  private int[][] ids;
  private int from;
  private int[] counts;
  private Rows lastTo;
  private boolean taken;
  private boolean discarded;

  StackPass(LanguageModel model, LanguageModel.PassKey key) {
    engine = model.engine();
    embed = new TokenTask(engine, this::embed);
    this.model = model;
    batch = key.batch();
    tokens = key.tokens();
    bfloat16Products = key.bfloat16Products();
    int width = model.config().modelWidth();
    scratch = new Scratch(engine);
    boolean done = false;
    try {
      Tile residuals = engine.tile(arena, batch * tokens, width);
      residual = Rows.of(residuals, tokens, width);
      for (DecoderLayer layer : model.layers()) {
        layers.add(
            new LayerPass(
                engine,
                layer,
                key.form(),
                batch,
                tokens,
                residuals,
                scratch,
                bfloat16Products,
                layers.isEmpty() ? null : layers.get(layers.size() - 1)));
      }
      last = new Head(batch);
      done = true;
    } finally {
      if (!done) {
        close();
      }
    }
  }

  /** Takes it for use by one call, or returns false where another has it. */
  synchronized boolean take() {
    boolean free = !taken;
    taken = true;
    return free;
  }

  /** Ends the use that {@link #take} began. */
  synchronized void release() {
    taken = false;
    if (discarded) {
      close();
    }
  }

  /** Closes it as soon as it is not in use. */
  synchronized void discard() {
    discarded = true;
    if (!taken) {
      close();
    }
  }

  /** Returns the bytes of the tiles it holds. */
  long bytes() {
    return arena.bytes() + scratch.bytes();
  }

  /** The output head over some tokens of the piece. */
  private final class Head {
    private final OutputHead.Pass pass;
    private final LaneTask gather = this::gather;
    private final int size;
    private final int[] rows;
    private final int[] places;
    private int count;

    Head(int size) {
      this.size = size;
      rows = new int[size];
      places = new int[size];
      pass = model.head().new Pass(arena, scratch, size, bfloat16Products);
    }

    Rows logits() {
      return pass.logits();
    }

    void clear() {
      count = 0;
    }

    void add(int row, int token) {
      rows[count] = row;
      places[count++] = token;
    }

    boolean full() {
      return count == size;
    }

    void run() {
      pass.run(count, gather);
    }

    private void gather(Lane lane, int i) {
      lane.copy(residual, rows[i], places[i], 0, pass.rows(), 0, i, 0);
    }
  }

  /**
   * Advances memories over tokens from…from+count−1 of each row.
   *
   * @param tokenIds (B) rows of checked ids; rows of no tokens may be null
   * @param tokenCounts (B) 0…N
   */
  void run(MixerMemory[] memories, int[][] tokenIds, int first, int[] tokenCounts) {
    ids = tokenIds;
    from = first;
    counts = tokenCounts;
    embed.run(counts);
    for (int i = 0; i < memories.length; i++) {
      layers.get(i).run(memories[i], tokenCounts);
    }
    layers.get(memories.length - 1).end(tokenCounts);
    ids = null;
  }

  private void embed(Lane lane, int b, int t) {
    double scale = model.config().embeddingScale();
    lane.embed(model.embedding(), ids[b][from + t], scale, residual, b, t);
    if (model.embeddingNorm() != null) {
      double eps = model.config().normEps();
      lane.rmsNorm(residual, 1, model.embeddingNorm(), eps, null, residual, b, t, 0);
    }
  }

  /** Writes the logits of each row's last token of this piece to row b of {@code to} (B,1,V). */
  void lastLogits(boolean[] wanted, Rows to) {
    last.clear();
    for (int b = 0; b < batch; b++) {
      if (wanted[b]) {
        last.add(b, counts[b] - 1);
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
    lane.copy(last.logits(), 0, i, 0, lastTo, last.rows[i], 0, 0);
  }

  /** Gives the logits of every token of this piece, row by row, from under no lock. */
  void allLogits(MixerMemory memory, TokenLogits to) {
    if (block == null) {
      whileOpen(() -> block = new Head(Math.min(LOGIT_ROWS, batch * tokens)));
    }
    double[] wide = new double[model.config().vocabulary()];
    block.clear();
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < counts[b]; t++) {
        block.add(b, t);
        if (block.full()) {
          flush(memory, wide, to);
        }
      }
    }
    flush(memory, wide, to);
  }

  private void whileOpen(Runnable work) {
    engine.exclusively(
        () -> {
          model.requireOpen();
          work.run();
        });
  }

  private void flush(MixerMemory memory, double[] wide, TokenLogits to) {
    if (block.count == 0) {
      return;
    }
    whileOpen(block::run);
    for (int i = 0; i < block.count; i++) {
      int b = block.rows[i];
      block.logits().readWide(0, i, 0, wide);
      to.accept(b, memory.position(b) - counts[b] + block.places[i], wide);
    }
    block.clear();
  }

  @Override
  public void close() {
    layers.forEach(LayerPass::close);
    scratch.close();
    arena.close();
  }
}
