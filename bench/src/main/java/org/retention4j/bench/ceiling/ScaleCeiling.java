package org.retention4j.bench.ceiling;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.bytedeco.dnnl.IntMemoryMap;
import org.bytedeco.dnnl.eltwise_forward;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.stream;
import org.bytedeco.javacpp.Pointer;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;

/**
 * Ways to an in-place pass x ← c·x, one read and one write, over as many and as large pieces as a
 * set of retention states has: Java loops and the Vector API over one float[] per state row, oneDNN
 * over native memory.
 */
public final class ScaleCeiling {
  /** Alternating exact factors: nothing drifts to zero or infinity. */
  private static final float HALF = 0.5f;

  /** oneDNN keeps its factor; this one needs a hundred thousand passes to run dry. */
  private static final float NEARLY_ONE = 0.9999f;

  private final Engine engine;

  /** Works on an engine's lanes. */
  public ScaleCeiling(Engine engine) {
    this.engine = engine;
  }

  /**
   * Returns all ways; their amount is bytes read plus bytes written.
   *
   * @param heads states
   * @param rows rows of a state
   * @param width floats of a row
   */
  public List<Supplier<BareWork>> ways(int heads, int rows, int width) {
    List<Supplier<BareWork>> ways = new ArrayList<>();
    ways.add(() -> new RowPanels(heads, rows, width, false));
    if (ComputeRoute.VECTOR.available()) {
      ways.add(() -> new RowPanels(heads, rows, width, true));
    }
    ways.add(() -> eltwise(heads, rows * width));
    return ways;
  }

  private static double bytes(int heads, int rows, int width) {
    return 2.0 * heads * rows * width * Float.BYTES;
  }

  private BareWork eltwise(int heads, int elements) {
    long size = (long) elements * Float.BYTES;
    NativeBlock data = new NativeBlock(heads * size).fillRandom(2);
    List<Pointer> owned = new ArrayList<>();
    eltwise_forward[] primitives = new eltwise_forward[heads];
    stream[] streams = new stream[heads];
    IntMemoryMap[] arguments = new IntMemoryMap[heads];
    try (memory.desc desc =
            new memory.desc(new long[] {elements}, memory.data_type.f32, memory.format_tag.a);
        eltwise_forward.primitive_desc plan =
            new eltwise_forward.primitive_desc(
                BareProduct.cpu(),
                dnnl.prop_kind.forward_inference,
                dnnl.algorithm.eltwise_linear,
                desc,
                desc,
                NEARLY_ONE,
                0f)) {
      OpenMpThreads.with(
          1,
          () -> {
            for (int i = 0; i < heads; i++) {
              memory both = new memory(desc, BareProduct.cpu(), data.at(i * size, size));
              primitives[i] = new eltwise_forward(plan);
              streams[i] = new stream(BareProduct.cpu());
              arguments[i] = new IntMemoryMap();
              arguments[i].put(dnnl.DNNL_ARG_SRC, both);
              arguments[i].put(dnnl.DNNL_ARG_DST, both);
              owned.addAll(List.of(both, primitives[i], streams[i], arguments[i]));
            }
          });
    }
    return new LaneWork(
        engine,
        "oneDNN eltwise",
        bytes(heads, 1, elements),
        heads,
        (lane, head) -> {
          primitives[head].execute(streams[head], arguments[head]);
          streams[head]._wait();
        },
        true,
        () -> {
          for (int i = owned.size() - 1; i >= 0; i--) {
            owned.get(i).close();
          }
          data.close();
        });
  }

  /** Heap arrays as states have them, scaled up and down by turns. */
  private final class RowPanels implements BareWork {
    private final LaneWork work;
    private boolean down;

    RowPanels(int heads, int rows, int width, boolean vector) {
      float[][][] states = new float[heads][rows][width];
      for (float[][] state : states) {
        for (float[] row : state) {
          Arrays.fill(row, 1f);
        }
      }
      work =
          new LaneWork(
              engine,
              vector ? "Vector API loop" : "Java loop",
              bytes(heads, rows, width),
              heads,
              (lane, head) -> {
                float c = down ? HALF : 1 / HALF;
                for (float[] row : states[head]) {
                  if (vector) {
                    VectorLoops.scale(row, c);
                  } else {
                    PlainLoops.scale(row, c);
                  }
                }
              },
              true,
              () -> {});
    }

    @Override
    public String name() {
      return work.name();
    }

    @Override
    public double amount() {
      return work.amount();
    }

    @Override
    public void run(boolean allThreads) {
      down = !down;
      work.run(allThreads);
    }

    @Override
    public void close() {
      work.close();
    }
  }
}
