package org.retention4j.model.mixer.attention;

import java.util.Arrays;
import org.retention4j.core.Rotation;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Angles;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.LaneTask;
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
  private final LaneTask append = this::rotateAndAppend;
  private final LaneTask attend = this::attendBlock;
  private KeyValueCache cache;

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
    Rotation rope = new Rotation(Rotation.Layout.HALF, Rotation.Schedule.OPEN, config.ropeBase());
    rotator = new Rotary(engine.type(), rope.frequencies(width), batch, tokens);
    angles = new Angles[engine.threads()];
    Arrays.setAll(angles, i -> Angles.of(engine.type(), width / 2));
    queries = AttentionKernel.queries(tokens);
    kernels = tokens == 1 ? null : AttentionKernel.forEngine(engine, width, queries);
    queryBlocks = (tokens + queries - 1) / queries;
  }

  @Override
  public void check(MixerState state, int[] tokenCounts) {
    checked(state, tokenCounts);
  }

  @Override
  public void run(MixerState state, int[] tokenCounts) {
    cache = checked(state, tokenCounts);
    System.arraycopy(tokenCounts, 0, counts, 0, batch);
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

  private KeyValueCache checked(MixerState state, int[] tokenCounts) {
    if (!(state instanceof KeyValueCache given)
        || given.batch() != batch
        || !given.config().equals(config)) {
      throw new IllegalArgumentException(
          "expected a key/value cache of batch " + batch + ", " + config + ", got " + state);
    }
    if (given.closed()) {
      throw new IllegalArgumentException("expected an open cache, got a closed one");
    }
    for (int b = 0; b < batch; b++) {
      MixerState.checkRoom(given, b, tokenCounts[b]);
    }
    return given;
  }

  /** Rotates the keys of one key/value head and the queries it serves, and stores its tokens. */
  private void rotateAndAppend(Lane lane, int index) {
    int b = index / config.kvHeads();
    int kvHead = index % config.kvHeads();
    int group = config.heads() / config.kvHeads();
    Angles own = angles[lane.index()];
    for (int t = 0; t < counts[b]; t++) {
      rotator.at(b, t, own);
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
      int position = (int) cache.position(b) + t;
      lane.cache().append(cache.head(b, kvHead), position, k, v, b, t, kvHead);
    }
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
      int first = Math.max(0, seen + 1 - config.window());
      lane.cache().attend(cache.head(b, kvHead), first, seen + 1, scale, q, o, b, from, h);
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
