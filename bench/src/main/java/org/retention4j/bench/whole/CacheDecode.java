package org.retention4j.bench.whole;

import java.util.List;
import java.util.SplittableRandom;
import org.retention4j.bench.ceiling.BareWork;
import org.retention4j.bench.ceiling.ReadCeiling;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Verdict;
import org.retention4j.engine.Arena;
import org.retention4j.engine.CacheHead;
import org.retention4j.engine.CacheType;
import org.retention4j.engine.Engine;
import org.retention4j.engine.LaneTask;
import org.retention4j.engine.Rows;
import org.retention4j.engine.Tile;

/** Softmax attention of one token over caches of several layers in turn, at depth 8192. */
final class CacheDecode {
  private static final int HEADS = 16;
  private static final int WIDTH = 128;
  private static final int DEPTH = 8192;
  private static final int LAYERS = 4;

  private final Engine engine;

  CacheDecode(Engine engine) {
    this.engine = engine;
  }

  void run(WholeModel.Sink sink) {
    for (CacheType type : List.of(CacheType.FLOAT32, CacheType.BFLOAT16)) {
      measure(type, sink);
    }
  }

  private void measure(CacheType type, WholeModel.Sink sink) {
    CacheHead[] caches = new CacheHead[LAYERS * HEADS];
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < caches.length; i++) {
      caches[i] = CacheHead.create(type, WIDTH, WIDTH);
      caches[i].grow(CacheHead.blocksFor(DEPTH));
      for (int t = 0; t < DEPTH; t++) {
        for (int j = 0; j < WIDTH; j++) {
          caches[i].setKey(t, j, random.nextDouble() - 0.5);
          caches[i].setValue(t, j, random.nextDouble() - 0.5);
        }
      }
    }
    double bytes = 2.0 * LAYERS * HEADS * WIDTH * DEPTH * type.bytes();
    try (Arena arena = new Arena();
        BareWork read = new ReadCeiling(engine).ways((long) bytes).get(0).get()) {
      Tile q = engine.tile(arena, 1, HEADS * WIDTH);
      Tile o = engine.tile(arena, 1, HEADS * WIDTH);
      Rows queries = Rows.of(q, 1, WIDTH);
      Rows out = Rows.of(o, 1, WIDTH);
      int[] layer = {0};
      LaneTask task =
          (lane, h) ->
              lane.attend(caches[layer[0] * HEADS + h], 0, DEPTH, 0.088, queries, out, 0, 0, h);
      Contender attend =
          new Contender(
              "attend",
              () -> {
                for (layer[0] = 0; layer[0] < LAYERS; layer[0]++) {
                  engine.run(HEADS, task);
                }
              });
      List<Samples> samples =
          Sampler.measure(
              List.of(attend, new Contender("read", () -> read.run(true))),
              new Sampler.Plan(4, 15, 1));
      double rate = bytes / samples.get(0).median();
      double ceiling = read.amount() / samples.get(1).median();
      boolean wide = type == CacheType.FLOAT32;
      sink.add(
          new Verdict(
              "attention decode at depth 8192, "
                  + (wide ? "fp32" : "bf16")
                  + " cache: bytes of cache per second over the read bandwidth",
              wide ? 0.6 : 0,
              true,
              rate / ceiling,
              "",
              String.format("%.1f GB/s of %.1f", rate, ceiling)
                  + (wide ? "" : "; no target, for comparison")),
          "2·heads·width·n·element bytes, 4 layers' caches in turn, random contents",
          wide ? "f32" : "bf16",
          samples.get(0));
    }
  }
}
