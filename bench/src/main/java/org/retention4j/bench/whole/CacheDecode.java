package org.retention4j.bench.whole;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.SplittableRandom;
import java.util.function.Supplier;
import org.retention4j.bench.ceiling.BareWork;
import org.retention4j.bench.ceiling.ReadCeiling;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics;
import org.retention4j.bench.report.Verdict;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.KvHead;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;

/** Softmax attention of one token over caches of several layers in turn, at depth 8192. */
final class CacheDecode {
  private static final int HEADS = 16;
  private static final int WIDTH = 128;
  private static final int LAYERS = 4;

  private final Engine engine;
  private final int depth;

  CacheDecode(Engine engine, WholeEffort effort) {
    this.engine = engine;
    depth = effort.depth();
  }

  void run(WholeModel.Sink sink) {
    for (CacheType type : List.of(CacheType.FLOAT32, CacheType.BFLOAT16)) {
      measure(type, sink);
    }
  }

  private void measure(CacheType type, WholeModel.Sink sink) {
    KvHead[] caches = new KvHead[LAYERS * HEADS];
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < caches.length; i++) {
      caches[i] = engine.newCache(type, WIDTH, WIDTH);
      caches[i].grow(KvHead.blocksFor(depth));
      for (int t = 0; t < depth; t++) {
        for (int j = 0; j < WIDTH; j++) {
          caches[i].setKey(t, j, random.nextDouble() - 0.5);
          caches[i].setValue(t, j, random.nextDouble() - 0.5);
        }
      }
    }
    double bytes = 2.0 * LAYERS * HEADS * WIDTH * depth * type.bytes();
    List<BareWork> reads = new ArrayList<>();
    try (Buffers arena = engine.newBuffers()) {
      Tile q = arena.tile(1, HEADS * WIDTH);
      Tile o = arena.tile(1, HEADS * WIDTH);
      RowView queries = q.asRows(1, WIDTH);
      RowView out = o.asRows(1, WIDTH);
      int[] layer = {0};
      Lanes.Task task =
          (lane, h) ->
              lane.cache()
                  .attend(caches[layer[0] * HEADS + h], 0, depth, 0.088, queries, out, 0, 0, h);
      Contender attend =
          new Contender(
              "attend",
              () -> {
                for (layer[0] = 0; layer[0] < LAYERS; layer[0]++) {
                  engine.run(HEADS, task);
                }
              });
      List<Contender> contenders = new ArrayList<>();
      contenders.add(attend);
      for (Supplier<BareWork> way : new ReadCeiling(engine).ways((long) bytes)) {
        BareWork read = way.get();
        reads.add(read);
        contenders.add(new Contender(read.name(), () -> read.run(true)));
      }
      List<Samples> samples = Sampler.measure(contenders, new Sampler.Plan(4, 15, 1));
      List<Samples> readings = samples.subList(1, samples.size());
      int fastest = readings.indexOf(Shares.fastest(readings));
      report(sink, type, bytes, samples.get(0), reads.get(fastest), readings.get(fastest));
    } finally {
      reads.forEach(BareWork::close);
    }
  }

  private void report(
      WholeModel.Sink sink,
      CacheType type,
      double bytes,
      Samples attend,
      BareWork read,
      Samples reading) {
    Statistics.Interval share = Shares.ratio(bytes / read.amount(), reading, attend);
    boolean wide = type == CacheType.FLOAT32;
    sink.add(
        new Verdict(
            String.format(
                Locale.ROOT,
                "attention decode at depth %d, %s cache: bytes of cache per second over the read"
                    + " bandwidth",
                depth,
                wide ? "fp32" : "bf16"),
            wide ? 0.6 : 0,
            true,
            share.median(),
            read.name(),
            String.format(
                Locale.ROOT,
                "%.1f GB/s of %.1f (%s, by turns); %s%s",
                bytes / attend.median(),
                read.amount() / reading.median(),
                read.name(),
                Shares.text(share),
                wide ? "" : "; no target, for comparison")),
        "2·heads·width·n·element bytes, 4 layers' caches in turn, random contents",
        wide ? "f32" : "bf16",
        attend,
        1);
  }
}
