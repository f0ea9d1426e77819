package org.retention4j.model.mixer.attention;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.snapshot.NumberType;
import org.retention4j.snapshot.SnapshotSection;
import org.retention4j.snapshot.SnapshotWriter;

/**
 * The keys and values of a batch of sequences: written in place, growing by doubling. Under a
 * window the memory of tokens that nobody will see again is used for later ones, so that it does
 * not grow beyond the window, one piece of tokens, and what open marks need.
 */
final class KeyValueCache implements MixerState {
  /** Positions are indices of arrays, in whole blocks. */
  static final long LARGEST_POSITION = Integer.MAX_VALUE - (long) KvHead.BLOCK;

  private final AttentionConfig config;
  private final CacheType type;
  private final int limit;
  private final KvHead[] heads;
  private final long[] position;
  private final Engine engine;
  private final Buffers arena;

  /** Open marks, whose tokens must not be dropped. */
  private final List<Positions> marks = new ArrayList<>();

  /** Where rows begin anew in a piece: their own caches, unless a mark needs what these hold. */
  private final KvHead[] fresh;

  private boolean closed;

  KeyValueCache(AttentionConfig config, Engine engine, int batch, KvCacheOptions options) {
    this(engine, config, cacheType(engine.type(), options), options.maxTokens(), new int[batch]);
    for (int i = 0; i < heads.length; i++) {
      heads[i] = engine.newCache(type, config.headWidth(), config.headWidth());
    }
    reserve(Math.min(options.initialTokens(), limit));
  }

  private KeyValueCache(
      Engine engine, AttentionConfig config, CacheType type, int limit, int[] rows) {
    if (rows.length < 1) {
      throw new IllegalArgumentException("expected batch >= 1, got " + rows.length);
    }
    this.engine = engine;
    arena = engine.newBuffers();
    this.config = config;
    this.type = type;
    this.limit = limit;
    position = new long[rows.length];
    heads = new KvHead[rows.length * config.kvHeads()];
    fresh = new KvHead[heads.length];
  }

  static CacheType cacheType(ElementType engine, KvCacheOptions options) {
    CacheType type = options.cacheType().orElse(CacheType.of(engine));
    if (type == CacheType.FLOAT64 != (engine == ElementType.FLOAT64)) {
      String expected = engine == ElementType.FLOAT64 ? "FLOAT64" : "FLOAT32 or BFLOAT16";
      throw new IllegalArgumentException(
          "expected a cache of " + expected + " for a " + engine + " engine, got " + type);
    }
    return type;
  }

  AttentionConfig config() {
    return config;
  }

  CacheType type() {
    return type;
  }

  boolean closed() {
    return closed;
  }

  int batch() {
    return position.length;
  }

  KvHead head(int row, int kvHead) {
    return heads[row * config.kvHeads() + kvHead];
  }

  /** Moves a row on, and gives up blocks that no later token sees. */
  void moved(int row, int tokens) {
    position[row] += tokens;
    if (config.windowed()) {
      long back = position[row];
      for (int i = 0; i < marks.size(); i++) {
        back = marks.get(i).holds(row) ? Math.min(back, marks.get(i).at[row]) : back;
      }
      long unseen = Math.max(0, back + 1 - config.window());
      for (int h = 0; h < config.kvHeads(); h++) {
        head(row, h).drop((int) (unseen / KvHead.BLOCK));
      }
    }
  }

  /** Returns where a row that begins anew in the piece at hand is written, see {@link #renew}. */
  KvHead fresh(int row, int kvHead) {
    return fresh[row * config.kvHeads() + kvHead];
  }

  /**
   * Makes room for the sequences that begin in a row in the piece at hand. They are written where
   * the one before them is, which is cleared first, or beside it while a mark needs it.
   *
   * @param tokens of the longest
   */
  void renew(int row, long tokens) {
    boolean marked = false;
    for (int i = 0; i < marks.size(); i++) {
      marked |= marks.get(i).holds(row);
    }
    for (int h = 0; h < config.kvHeads(); h++) {
      KvHead own = head(row, h);
      KvHead next = marked ? engine.newCache(type, own.keyWidth(), own.valueWidth()) : own;
      account(next.grow(next.dropped() + KvHead.blocksFor(tokens)));
      fresh[row * config.kvHeads() + h] = next;
    }
  }

  /** Goes on with the last sequence that began in a row. */
  void renewed(int row, int tokens) {
    int first = row * config.kvHeads();
    System.arraycopy(fresh, first, heads, first, config.kvHeads());
    Arrays.fill(fresh, first, first + config.kvHeads(), null);
    position[row] = 0;
    moved(row, tokens);
  }

  @Override
  public void reset(int row) {
    renew(row, 0);
    for (int h = 0; h < config.kvHeads(); h++) {
      fresh(row, h).clear();
    }
    renewed(row, 0);
  }

  /** Gives up caches that neither the present nor a mark needs. */
  private void giveUp(KvHead[] held) {
    for (int i = 0; i < held.length; i++) {
      boolean needed = closed || held[i] == heads[i];
      for (Positions mark : marks) {
        needed |= mark.held[i] == held[i];
      }
      if (!needed) {
        account(-held[i].held());
      }
    }
  }

  /** Makes room for so many tokens in a row; once there is room this does nothing. */
  void reserve(int row, long tokens) {
    for (int h = 0; h < config.kvHeads(); h++) {
      KvHead head = head(row, h);
      int needed = KvHead.blocksFor(tokens);
      if (needed > head.blocks()) {
        int doubled = config.windowed() ? 0 : 2 * head.blocks();
        int blocks = Math.max(needed, Math.min(doubled, KvHead.blocksFor(limit)));
        account(head.grow(blocks));
      }
    }
  }

  private void account(int blocks) {
    arena.account(KvHead.bytes(type, blocks, config.headWidth(), config.headWidth()));
  }

  private void reserve(int tokens) {
    for (int b = 0; b < batch(); b++) {
      reserve(b, tokens);
    }
  }

  @Override
  public long position(int row) {
    return position[row];
  }

  /**
   * Returns how many tokens more a row may see. What a window hides takes no room, but for what an
   * open mark keeps; then the limit counts from the mark.
   */
  @Override
  public long room(int row) {
    if (config.window() > limit) {
      return limit - position[row];
    }
    long end = LARGEST_POSITION;
    for (int i = 0; i < marks.size(); i++) {
      end = marks.get(i).holds(row) ? Math.min(end, marks.get(i).at[row] + limit) : end;
    }
    return end - position[row];
  }

  @Override
  public long wholeRoom() {
    return config.window() > limit ? limit : LARGEST_POSITION;
  }

  @Override
  public long bytes() {
    return arena.bytes();
  }

  @Override
  public long formulaBytes() {
    long tokens = 0;
    for (long p : position) {
      tokens += Math.min(p, config.window());
    }
    return 2L * config.kvHeads() * config.headWidth() * tokens * type.bytes();
  }

  @Override
  public KeyValueCache select(int... rows) {
    return select(position, heads, rows);
  }

  @Override
  public KeyValueCache select(Mark at, int... rows) {
    Positions mark = open(at);
    return select(mark.at, mark.held, rows);
  }

  private KeyValueCache select(long[] at, KvHead[] of, int... rows) {
    KeyValueCache copy = new KeyValueCache(engine, config, type, limit, rows);
    for (int i = 0; i < rows.length; i++) {
      copy.position[i] = at[rows[i]];
      int blocks = KvHead.blocksFor(at[rows[i]]);
      for (int h = 0; h < config.kvHeads(); h++) {
        KvHead head = of[rows[i] * config.kvHeads() + h].copy(blocks);
        copy.heads[i * config.kvHeads() + h] = head;
        copy.account(blocks - head.dropped());
      }
    }
    return copy;
  }

  @Override
  public void requireLike(MixerState from) {
    KeyValueCache other = (KeyValueCache) from;
    if (other.type != type || other.limit != limit) {
      String expected = "expected a cache of " + type + " and at most " + limit + " tokens";
      throw new IllegalArgumentException(
          expected + ", got one of " + other.type + " and " + other.limit);
    }
  }

  @Override
  public void put(int row, MixerState from, int fromRow) {
    try (KeyValueCache copy = ((KeyValueCache) from).select(fromRow)) {
      exchange(row, copy, 0);
    }
  }

  @Override
  public void exchange(int row, MixerState from, int fromRow) {
    KeyValueCache other = (KeyValueCache) from;
    for (int h = 0; h < config.kvHeads(); h++) {
      int mine = row * config.kvHeads() + h;
      int its = fromRow * config.kvHeads() + h;
      KvHead head = heads[mine];
      account(other.heads[its].held() - head.held());
      other.account(head.held() - other.heads[its].held());
      heads[mine] = other.heads[its];
      other.heads[its] = head;
    }
    long at = position[row];
    position[row] = other.position[fromRow];
    other.position[fromRow] = at;
  }

  /** Makes room for a row that has seen tokens, of which the first blocks are gone. */
  void restore(int row, long seen, int gone) {
    for (int h = 0; h < config.kvHeads(); h++) {
      head(row, h).skip(gone);
    }
    reserve(row, seen);
    position[row] = seen;
  }

  @Override
  public SnapshotSection section(int layer, NumberType asked, int... rows) {
    return CacheExchange.section(this, layer, asked, rows);
  }

  @Override
  public void write(SnapshotWriter to, NumberType asked, int... rows) throws IOException {
    CacheExchange.write(this, to, asked, rows);
  }

  /** Positions at a moment: what stands before them is not overwritten while the mark is open. */
  private final class Positions implements Mark {
    private final long[] at = position.clone();

    /** The caches that hold them: not the present ones of rows that began anew since. */
    private final KvHead[] held = heads.clone();

    private boolean holds(int row) {
      return held[row * config.kvHeads()] == head(row, 0);
    }

    @Override
    public long bytes() {
      return 0;
    }

    @Override
    public void close() {
      if (marks.remove(this)) {
        giveUp(held);
      }
    }
  }

  @Override
  public Mark mark() {
    Positions mark = new Positions();
    marks.add(mark);
    return mark;
  }

  @Override
  public void rollback(Mark mark) {
    Positions positions = open(mark);
    System.arraycopy(positions.at, 0, position, 0, position.length);
    KvHead[] left = heads.clone();
    System.arraycopy(positions.held, 0, heads, 0, heads.length);
    giveUp(left);
  }

  private Positions open(Mark mark) {
    if (mark instanceof Positions positions && marks.contains(positions)) {
      return positions;
    }
    throw new IllegalArgumentException("expected an open mark of this cache, got another");
  }

  @Override
  public void fillRandom(long seed, int depth) {
    if (depth < 0 || depth > limit) {
      throw new IllegalArgumentException("expected a position in 0.." + limit + ", got " + depth);
    }
    for (KvHead head : heads) {
      if (depth < head.dropped() * KvHead.BLOCK) {
        throw new IllegalArgumentException(
            "expected a position from which on no tokens were dropped, got " + depth);
      }
    }
    reserve(depth);
    SplittableRandom random = new SplittableRandom(seed);
    for (KvHead head : heads) {
      for (int t = head.dropped() * KvHead.BLOCK; t < depth; t++) {
        for (int i = 0; i < config.headWidth(); i++) {
          head.setKey(t, i, 2 * random.nextDouble() - 1);
          head.setValue(t, i, 2 * random.nextDouble() - 1);
        }
      }
    }
    Arrays.fill(position, depth);
  }

  @Override
  public void wipe() {
    for (int i = 0; i < heads.length; i++) {
      heads[i].wipe();
      for (Positions mark : marks) {
        mark.held[i].wipe();
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    arena.close();
    Arrays.fill(heads, null);
  }

  @Override
  public String toString() {
    return "a key/value cache of batch " + batch() + " and limit " + limit + ", " + config;
  }
}
