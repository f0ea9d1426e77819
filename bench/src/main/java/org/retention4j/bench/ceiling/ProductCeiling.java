package org.retention4j.bench.ceiling;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Lanes;

/** Ways to the bare product y (M,out) ← x (M,in) · W (in,out). */
public final class ProductCeiling {
  /** Column blocks start at multiples of this, a whole number of vector registers. */
  private static final int GRAIN = 64;

  /** Above this many rows one thread takes too long to be worth a look. */
  private static final int SMALL_M = 512;

  private final Engine engine;
  private final boolean alone;
  private final Operands operands;

  /**
   * Works on an engine's lanes, and with as many OpenMP threads.
   *
   * @param alone whether to try a single thread as well
   */
  public ProductCeiling(Engine engine, boolean alone) {
    this(engine, alone, Operands.F32_F32);
  }

  /** Works on operands of other types. */
  public ProductCeiling(Engine engine, boolean alone, Operands operands) {
    this.engine = engine;
    this.alone = alone;
    this.operands = operands;
  }

  /** Returns all ways: lanes with one product each, and oneDNN's own OpenMP threads. */
  public List<Supplier<BareWork>> ways(int m, int in, int out) {
    return List.of(() -> onLanes(m, in, out), () -> new OpenMpProduct(m, in, out));
  }

  /** Opens the product with the outputs shared out to the lanes, one product each. */
  public BareWork onLanes(int m, int in, int out) {
    NativeBlock src = new NativeBlock((long) m * in * Float.BYTES).fillRandom(m);
    NativeBlock dst = new NativeBlock((long) m * out * Float.BYTES);
    int threads = engine.threads();
    int block = (out / threads + GRAIN - 1) / GRAIN * GRAIN;
    List<BareProduct> products = new ArrayList<>();
    OpenMpThreads.with(
        1,
        () -> {
          for (int from = 0; from < out; from += block) {
            int columns = Math.min(block, out - from);
            long offset = (long) from * Float.BYTES;
            products.add(
                new BareProduct(
                    src.at(0, src.bytes()),
                    dst.at(offset, dst.bytes() - offset),
                    m,
                    in,
                    columns,
                    out,
                    operands));
          }
        });
    BareProduct[] parts = products.toArray(new BareProduct[0]);
    Lanes.Task task = (lane, part) -> parts[part].run();
    return new LaneWork(
        engine,
        "one product per lane",
        flops(m, in, out),
        parts.length,
        task,
        false,
        () -> {
          products.forEach(BareProduct::close);
          src.close();
          dst.close();
        });
  }

  private static double flops(int m, int in, int out) {
    return 2.0 * m * in * out;
  }

  /** One product on an OpenMP team. */
  private final class OpenMpProduct implements BareWork {
    private final NativeBlock src;
    private final NativeBlock dst;
    private final int m;
    private final double flops;
    private BareProduct team;
    private BareProduct single;

    OpenMpProduct(int m, int in, int out) {
      this.m = m;
      flops = flops(m, in, out);
      src = new NativeBlock((long) m * in * Float.BYTES).fillRandom(m);
      dst = new NativeBlock((long) m * out * Float.BYTES);
      // A product is planned for the thread count it finds.
      OpenMpThreads.with(engine.threads(), () -> team = plan(in, out));
      OpenMpThreads.with(1, () -> single = plan(in, out));
    }

    private BareProduct plan(int in, int out) {
      return new BareProduct(
          src.at(0, src.bytes()), dst.at(0, dst.bytes()), m, in, out, out, operands);
    }

    @Override
    public String name() {
      return "oneDNN with OpenMP";
    }

    @Override
    public double amount() {
      return flops;
    }

    @Override
    public void run(boolean allThreads) {
      BareProduct product = allThreads ? team : single;
      OpenMpThreads.with(allThreads ? engine.threads() : 1, product::run);
    }

    @Override
    public boolean worksAlone() {
      return alone && m <= SMALL_M;
    }

    @Override
    public void close() {
      team.close();
      single.close();
      src.close();
      dst.close();
    }
  }
}
