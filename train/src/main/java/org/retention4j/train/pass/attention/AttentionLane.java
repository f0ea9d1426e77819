package org.retention4j.train.pass.attention;

import java.util.Arrays;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Product;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/**
 * What a lane needs for a block of {@value #BLOCK} queries of one head against the keys that any of
 * them sees, which lie in blocks of as many from the first of these on: scores (64,N) and no more,
 * computed once more on the way back.
 */
final class AttentionLane {
  private static final int BLOCK = KeyBlocks.BLOCK;

  private final Lane lane;
  private final Tile q;
  private final Tile dO;

  /** Outputs forwards, gradients of queries on the way back. */
  private final Tile o;

  private final double[] factors = new double[BLOCK];

  /** By block of keys. */
  private final Tile[] keys;

  private final Tile[] values;
  private final Tile[] keyGradients;
  private final Tile[] valueGradients;

  /** By number of blocks of keys, the same for some that are near. */
  private final Steps[] steps;

  /** How many blocks of keys hold those of this task. */
  private int loaded;

  /** The token whose key is the first of them. */
  private int base;

  /** Products with a number of blocks of keys. */
  private record Steps(
      int blocks,
      Tile p,
      Tile dP,
      Product scores,
      Product softmax,
      Product output,
      Product dScores,
      Product queryGradient,
      Product keyGradient,
      Product valueGradient) {}

  /**
   * What the calls of a pass share: rows (1,B·T,heads,d) of queries, keys and values, of outputs,
   * and of the gradients of all of them.
   */
  record Rows(
      RowView q,
      RowView k,
      RowView v,
      RowView o,
      RowView dQ,
      RowView dK,
      RowView dV,
      RowView dO,
      double scale) {}

  private AttentionLane(Lane lane, int width, int blocks) {
    this.lane = lane;
    int room = KeyBlocks.rounded(blocks);
    q = lane.tiles().tile(BLOCK, width);
    dO = lane.tiles().tile(BLOCK, width);
    o = lane.tiles().tile(BLOCK, width);
    Tile k = lane.tiles().tile(room * BLOCK, width);
    Tile v = lane.tiles().tile(room * BLOCK, width);
    Tile dK = lane.tiles().tile(room * BLOCK, width);
    Tile dV = lane.tiles().tile(room * BLOCK, width);
    keys = parts(k, room);
    values = parts(v, room);
    keyGradients = parts(dK, room);
    valueGradients = parts(dV, room);
    Tile p = lane.tiles().tile(BLOCK, room * BLOCK);
    Tile dP = lane.tiles().tile(BLOCK, room * BLOCK);
    steps = new Steps[blocks + 1];
    for (int n = blocks; n > 0; n--) {
      int own = KeyBlocks.rounded(n);
      steps[n] =
          n < blocks && steps[n + 1].blocks() == own
              ? steps[n + 1]
              : prepare(own, p.narrow(own * BLOCK), dP.narrow(own * BLOCK), k, v, dK, dV);
    }
  }

  /** Returns one per lane with room for the keys that a block of queries may see. */
  static AttentionLane[] forEngine(Engine engine, int width, int blocks) {
    record Key(int width, int blocks) {}

    return engine.perLane(
        new Key(width, blocks),
        lane -> new AttentionLane(lane, width, blocks),
        new AttentionLane[0]);
  }

  private static Tile[] parts(Tile whole, int blocks) {
    Tile[] parts = new Tile[blocks];
    Arrays.setAll(parts, i -> whole.part(i * BLOCK, BLOCK, 0, whole.columns()));
    return parts;
  }

  private Steps prepare(int blocks, Tile p, Tile dP, Tile k, Tile v, Tile dK, Tile dV) {
    int n = blocks * BLOCK;
    int d = k.columns();
    Tile ownK = k.part(0, n, 0, d);
    Tile ownV = v.part(0, n, 0, d);
    return new Steps(
        blocks,
        p,
        dP,
        lane.tiles().product(q, false, ownK, true, p, false), // (64,d)·(d,N) -> (64,N)
        lane.tiles().softmax(p),
        lane.tiles().product(p, false, ownV, false, o, false), // (64,N)·(N,d) -> (64,d)
        lane.tiles().product(dO, false, ownV, true, dP, false), // (64,d)·(d,N) -> (64,N)
        lane.tiles().product(dP, false, ownK, false, o, false), // (64,N)·(N,d) -> (64,d)
        lane.tiles().product(dP, true, q, false, dK.part(0, n, 0, d), true), // (N,64)·(64,d)
        lane.tiles().product(p, true, dO, false, dV.part(0, n, 0, d), true)); // (N,64)·(64,d)
  }

  /** Writes the outputs of all query heads of one key/value head of a row of the batch. */
  void forward(Rows rows, Sight sight, int row, int kvHead, int group) {
    loaded = 0;
    for (int from = 0; from < sight.tokens(); from += BLOCK) {
      int n = Math.min(BLOCK, sight.tokens() - from);
      Steps prepared = show(rows, sight, row, from, n, kvHead, false);
      for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
        attend(rows, sight, row, from, n, h, prepared);
        prepared.output().run();
        lane.tiles().store(o, n, 1, rows.o(), 0, sight.row(row, from), h);
      }
    }
  }

  /** Writes the gradients of those queries, and of the keys and values of the head. */
  void backward(Rows rows, Sight sight, int row, int kvHead, int group) {
    loaded = 0;
    long first = sight.row(row, 0);
    lane.rows().clear(rows.dK(), 0, first, kvHead, sight.tokens());
    lane.rows().clear(rows.dV(), 0, first, kvHead, sight.tokens());
    for (int from = 0; from < sight.tokens(); from += BLOCK) {
      int n = Math.min(BLOCK, sight.tokens() - from);
      Steps prepared = show(rows, sight, row, from, n, kvHead, true);
      for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
        attend(rows, sight, row, from, n, h, prepared);
        attendBack(rows, sight.row(row, from), n, h, prepared);
      }
    }
    addGradients(rows, sight, row, kvHead);
  }

  /** Leaves in p who attends to whom, of queries that are multiplied by the scale. */
  private void attend(Rows rows, Sight sight, int row, int from, int n, int h, Steps prepared) {
    Arrays.fill(factors, rows.scale());
    lane.tiles().load(rows.q(), 0, sight.row(row, from), h, n, factors, q);
    prepared.scores().run();
    hide(sight, row, from, n, prepared.p());
    prepared.softmax().run();
  }

  /** Hides what queries do not see; those beyond n are zeros that see what the last one sees. */
  private void hide(Sight sight, int row, int from, int n, Tile scores) {
    for (int i = 0; i < BLOCK; i++) {
      int token = from + Math.min(i, n - 1);
      int first = sight.first(row, token) - base;
      int end = token + 1 - base;
      lane.tiles().fill(scores, i, 0, first, Double.NEGATIVE_INFINITY);
      lane.tiles().fill(scores, i, end, scores.columns(), Double.NEGATIVE_INFINITY);
    }
  }

  private void attendBack(Rows rows, long token, int n, int h, Steps prepared) {
    lane.tiles().load(rows.dO(), 0, token, h, n, dO);
    prepared.valueGradient().run();
    prepared.dScores().run();
    lane.gradients().softmaxBack(prepared.p(), prepared.dP(), BLOCK);
    prepared.queryGradient().run();
    prepared.keyGradient().run();
    lane.tiles().store(o, n, rows.scale(), rows.dQ(), 0, token, h);
  }

  /**
   * Has the keys and values at hand that n queries see, from the first that any of them sees on,
   * and zeros behind the last of the row.
   */
  private Steps show(
      Rows rows, Sight sight, int row, int from, int n, int kvHead, boolean gradients) {
    int first = sight.first(row, from);
    if (first != base) {
      if (gradients) {
        addGradients(rows, sight, row, kvHead);
      }
      loaded = 0;
      base = first;
    }
    Steps prepared = steps[(from + n - base + BLOCK - 1) / BLOCK];
    for (; loaded < prepared.blocks(); loaded++) {
      int token = base + loaded * BLOCK;
      int count = count(sight, loaded);
      long at = sight.row(row, token);
      lane.tiles().load(rows.k(), 0, at, kvHead, count, keys[loaded]);
      lane.tiles().load(rows.v(), 0, at, kvHead, count, values[loaded]);
      if (gradients) {
        lane.tiles().clear(keyGradients[loaded]);
        lane.tiles().clear(valueGradients[loaded]);
      }
    }
    return prepared;
  }

  /** Adds what has come together of the gradients of the keys and values at hand. */
  private void addGradients(Rows rows, Sight sight, int row, int kvHead) {
    for (int i = 0; i < loaded; i++) {
      long at = sight.row(row, base + i * BLOCK);
      int count = count(sight, i);
      lane.tiles().addTo(keyGradients[i], count, 1, rows.dK(), 0, at, kvHead);
      lane.tiles().addTo(valueGradients[i], count, 1, rows.dV(), 0, at, kvHead);
    }
  }

  /** Returns how many keys of the row there are in a block. */
  private int count(Sight sight, int block) {
    return Math.max(0, Math.min(BLOCK, sight.tokens() - base - block * BLOCK));
  }
}
