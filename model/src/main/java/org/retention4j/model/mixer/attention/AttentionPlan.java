package org.retention4j.model.mixer.attention;

import java.util.Arrays;
import org.retention4j.core.Resets;
import org.retention4j.core.Rotation;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.mixer.MixerPlan;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.Rotary;

/**
 * Softmax attention over one piece of tokens: project, rotate, append to the cache, attend,
 * project. A single token streams the cache; more tokens go through {@link AttentionKernel} in
 * tiles.
 */
final class AttentionPlan implements MixerPlan {
  private final Buffers arena;
  private final Engine engine;
  private final AttentionConfig config;
  private final int batch;

  /** Biases by head, none without. */
  private final double[][] queryBias;

  private final double[][] keyBias;
  private final double[][] valueBias;
  private final MatMulGroup inputs;
  private final MatMulGroup outputs;
  private final RowView q;
  private final RowView k;
  private final RowView v;
  private final RowView o;
  private final double scale;
  private final AttentionKernel.Rows rows;
  private final Rotary rotator;
  private final Angles[] angles;
  private final AttentionKernel[] kernels;
  private final int queries;
  private final int queryBlocks;
  private final int[] counts;
  private final Lanes.Task append = this::rotateAndAppend;
  private final Lanes.Task attend = this::attendBlock;
  private final Lanes.Task sequences = this::attendSequences;
  private KeyValueCache cache;

  /** (B) rows of the first tokens of the sequences of the piece, the first of which may go on. */
  private final int[][] starts;

  /** (B) how many of them there are. */
  private final int[] begun;

  private Resets resets;
  private int first;

  /** What turns and attends behind a reset; none until there is one. */
  private Rotary fromZero;

  private AttentionKernel[][] bySize;

  AttentionPlan(Engine engine, AttentionMixer mixer, MicroBatch piece) {
    this.engine = engine;
    arena = engine.newBuffers();
    config = mixer.config();
    queryBias = mixer.headBias(AttentionConfig.QUERY_BIAS);
    keyBias = mixer.headBias(AttentionConfig.KEY_BIAS);
    valueBias = mixer.headBias(AttentionConfig.VALUE_BIAS);
    batch = piece.batch();
    int tokens = piece.tokens();
    Scratch scratch = piece.scratch();
    counts = new int[batch];
    starts = new int[batch][tokens];
    begun = new int[batch];
    int width = config.headWidth();
    int all = batch * tokens;
    Tile qTile = scratch.tile(all, config.heads() * width);
    Tile kTile = scratch.tile(all, config.kvHeads() * width);
    Tile vTile = scratch.tile(all, config.kvHeads() * width);
    Tile oTile = scratch.tile(all, config.heads() * width);
    q = qTile.asRows(tokens, width);
    k = kTile.asRows(tokens, width);
    v = vTile.asRows(tokens, width);
    o = oTile.asRows(tokens, width);
    inputs =
        piece
            .matMuls(engine, arena, piece.x())
            .add(mixer.matrix(AttentionConfig.QUERY), qTile, Activation.NONE)
            .add(mixer.matrix(AttentionConfig.KEY), kTile, Activation.NONE)
            .add(mixer.matrix(AttentionConfig.VALUE), vTile, Activation.NONE);
    outputs =
        piece
            .matMuls(engine, arena, oTile)
            .add(mixer.matrix(AttentionConfig.OUTPUT), piece.y(), Activation.NONE);
    scale = 1 / Math.sqrt(width);
    rows = new AttentionKernel.Rows(q, o, config.window(), scale);
    rotator = new Rotary(engine.type(), rope().frequencies(width), batch, tokens);
    angles = new Angles[engine.threads()];
    Arrays.setAll(angles, i -> Angles.of(engine.type(), width / 2));
    queries = AttentionKernel.queries(tokens);
    kernels = tokens == 1 ? null : AttentionKernel.forEngine(engine, width, queries);
    queryBlocks = (tokens + queries - 1) / queries;
  }

  private Rotation rope() {
    return new Rotation(Rotation.Layout.HALF, Rotation.Schedule.OPEN, config.ropeBase());
  }

  @Override
  public void check(MixerState state, int[] tokenCounts) {
    if (checked(state, tokenCounts).batch() != batch) {
      throw misfit(state);
    }
  }

  @Override
  public void run(MixerState state, int[] tokenCounts, Resets ofRows, int firstOfRows) {
    System.arraycopy(tokenCounts, 0, counts, 0, batch);
    resets = ofRows;
    first = firstOfRows;
    if (parted()) {
      runSequences(state);
      return;
    }
    cache = checked(state, tokenCounts);
    inputs.run();
    for (int b = 0; b < batch; b++) {
      cache.reserve(b, cache.position(b) + counts[b]);
      rotator.start(b, cache.position(b), counts[b]);
    }
    engine.run(batch * config.kvHeads(), append);
    engine.run(batch * config.heads() * queryBlocks, attend);
    outputs.run();
    for (int b = 0; b < batch; b++) {
      cache.moved(b, counts[b]);
    }
    cache = null;
  }

  /** Finds where sequences begin; returns whether any does behind what a row has seen. */
  private boolean parted() {
    boolean any = false;
    for (int b = 0; b < batch; b++) {
      begun[b] = 0;
      for (int t = 0; t < counts[b]; t++) {
        boolean reset = resets.at(b, first + t);
        any |= reset;
        if (reset || t == 0) {
          starts[b][begun[b]++] = t;
        }
      }
    }
    return any;
  }

  /** Returns the end of a sequence of a row in this piece. */
  private int end(int b, int sequence) {
    return sequence + 1 < begun[b] ? starts[b][sequence + 1] : counts[b];
  }

  private boolean goesOn(int b) {
    return counts[b] > 0 && !resets.at(b, first);
  }

  private void runSequences(MixerState state) {
    int[] goingOn = new int[batch];
    for (int b = 0; b < batch; b++) {
      goingOn[b] = goesOn(b) ? end(b, 0) : 0;
    }
    cache = checked(state, goingOn);
    prepareSequences();
    inputs.run();
    for (int b = 0; b < batch; b++) {
      cache.reserve(b, cache.position(b) + goingOn[b]);
      rotator.start(b, cache.position(b), goingOn[b]);
      int longest = 0;
      for (int i = goesOn(b) ? 1 : 0; i < begun[b]; i++) {
        longest = Math.max(longest, end(b, i) - starts[b][i]);
      }
      if (longest > 0) {
        cache.renew(b, longest);
      }
    }
    engine.run(batch * config.kvHeads(), sequences);
    outputs.run();
    for (int b = 0; b < batch; b++) {
      if (begun[b] > (goesOn(b) ? 1 : 0)) {
        cache.renewed(b, counts[b] - starts[b][begun[b] - 1]);
      } else {
        cache.moved(b, counts[b]);
      }
    }
    cache = null;
  }

  private void prepareSequences() {
    if (fromZero == null) {
      int width = config.headWidth();
      int tokens = starts[0].length;
      fromZero = new Rotary(engine.type(), rope().frequencies(width), 1, tokens);
      fromZero.start(0, 0, tokens);
      bySize = new AttentionKernel[AttentionKernel.queries(tokens) + 1][];
      for (int n = 1; n < 2 * tokens && kernels != null; n *= 2) {
        int size = AttentionKernel.queries(Math.min(n, tokens));
        bySize[size] = AttentionKernel.forEngine(engine, width, size);
      }
    }
  }

  /** One key/value head of a row: one sequence after the other, each with a cache to itself. */
  private void attendSequences(Lane lane, int index) {
    int b = index / config.kvHeads();
    int kvHead = index % config.kvHeads();
    for (int i = 0; i < begun[b]; i++) {
      boolean anew = i > 0 || !goesOn(b);
      KvHead keys = anew ? cache.fresh(b, kvHead) : cache.head(b, kvHead);
      int seen = anew ? 0 : (int) cache.position(b);
      if (anew) {
        keys.clear();
      }
      int end = end(b, i);
      for (int t = starts[b][i]; t < end; t++) {
        if (anew) {
          fromZero.at(0, t - starts[b][i], angles[lane.index()]);
        } else {
          rotator.at(b, t, angles[lane.index()]);
        }
        append(lane, b, kvHead, t, keys, seen + t - starts[b][i]);
      }
      int group = config.heads() / config.kvHeads();
      for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
        attendSequence(lane, keys, seen, b, h, starts[b][i], end);
      }
    }
  }

  private void attendSequence(Lane lane, KvHead keys, int seen, int b, int h, int from, int end) {
    if (kernels == null) {
      lane.cache().attend(keys, firstSeen(seen), seen + 1, scale, q, o, b, from, h);
      return;
    }
    int size = AttentionKernel.queries(end - from);
    for (int t = from; t < end; t += size) {
      AttentionKernel kernel = bySize[size][lane.index()];
      kernel.attend(rows, keys, seen + t - from, Math.min(size, end - t), b, t, h);
    }
  }

  private int firstSeen(int position) {
    return Math.max(0, position + 1 - config.window());
  }

  private KeyValueCache checked(MixerState state, int[] tokenCounts) {
    if (!(state instanceof KeyValueCache given)
        || given.batch() < batch
        || !given.config().equals(config)) {
      throw new IllegalArgumentException(
          "expected a key/value cache of at least batch "
              + batch
              + ", "
              + config
              + ", got "
              + state);
    }
    if (given.closed()) {
      throw new IllegalArgumentException("expected an open cache, got a closed one");
    }
    for (int b = 0; b < batch; b++) {
      MixerState.checkRoom(given, b, tokenCounts[b]);
    }
    return given;
  }

  private IllegalArgumentException misfit(MixerState state) {
    return new IllegalArgumentException(
        "expected a key/value cache of batch " + batch + ", " + config + ", got " + state);
  }

  /** Rotates the keys of one key/value head and the queries it serves, and stores its tokens. */
  private void rotateAndAppend(Lane lane, int index) {
    int b = index / config.kvHeads();
    int kvHead = index % config.kvHeads();
    for (int t = 0; t < counts[b]; t++) {
      rotator.at(b, t, angles[lane.index()]);
      append(lane, b, kvHead, t, cache.head(b, kvHead), (int) cache.position(b) + t);
    }
  }

  /** Does so for one token, by the angles that the lane holds. */
  private void append(Lane lane, int b, int kvHead, int t, KvHead keys, int position) {
    int group = config.heads() / config.kvHeads();
    Angles own = angles[lane.index()];
    if (config.bias()) {
      lane.rows().add(k, keyBias[kvHead], b, t, kvHead);
      lane.rows().add(v, valueBias[kvHead], b, t, kvHead);
    }
    lane.rows().rotate(k, b, t, kvHead, false, own, 1);
    for (int h = kvHead * group; h < (kvHead + 1) * group; h++) {
      if (config.bias()) {
        lane.rows().add(q, queryBias[h], b, t, h);
      }
      lane.rows().rotate(q, b, t, h, false, own, 1);
    }
    lane.cache().append(keys, position, k, v, b, t, kvHead);
  }

  /** Attends for one block of queries; late blocks, which cost most, come first. */
  private void attendBlock(Lane lane, int index) {
    int block = queryBlocks - 1 - index / (batch * config.heads());
    int rest = index % (batch * config.heads());
    int b = rest / config.heads();
    int h = rest % config.heads();
    int kvHead = h / (config.heads() / config.kvHeads());
    int from = block * queries;
    int n = Math.min(counts[b] - from, queries);
    int seen = (int) cache.position(b) + from;
    if (n <= 0) {
      return;
    }
    if (kernels == null) {
      KvHead keys = cache.head(b, kvHead);
      lane.cache().attend(keys, firstSeen(seen), seen + 1, scale, q, o, b, from, h);
      return;
    }
    kernels[lane.index()].attend(rows, cache.head(b, kvHead), seen, n, b, from, h);
  }

  @Override
  public String implementation() {
    return outputs.implementation();
  }

  @Override
  public void close() {
    arena.close();
  }
}
