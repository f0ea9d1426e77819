package org.retention4j.bench.suite;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.retention4j.bench.ceiling.Ceiling;
import org.retention4j.bench.ceiling.ProductCeiling;
import org.retention4j.bench.ceiling.ReadCeiling;
import org.retention4j.bench.ceiling.ScaleCeiling;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Workload;
import org.retention4j.engine.ops.Lanes;

/** Measures what the machine can do, at the shapes and sizes of the rows that follow. */
public final class CeilingSuite {
  /** How the note of a way begins that is not the fastest to its ceiling. */
  public static final String SLOWER = "slower; ";

  private static final String BEST = "best; ";
  private static final long FAR_LARGER_THAN_CACHE = 1_000_000_000;
  private static final int EMPTY_RUNS = 1000;
  private static final int SMALL_M = 512;
  private static final int LARGE_M = 2048;

  private final Scene scene;
  private final Ceilings ceilings = new Ceilings();

  /** Prepares. */
  public CeilingSuite(Scene scene) {
    this.scene = scene;
  }

  /** Measures and reports all ceilings. */
  public Ceilings run() {
    emptyRegion();
    products();
    reads();
    scales();
    return ceilings;
  }

  private Sampler.Plan plan(double warmUpSeconds, int repeats) {
    return new Sampler.Plan(warmUpSeconds, repeats, 1);
  }

  private void products() {
    LayerShape shape = scene.shape();
    Set<Matrix> matrices = new LinkedHashSet<>(Matrix.retentionBlock(shape));
    matrices.addAll(Matrix.retentionLayer(shape));
    matrices.addAll(Matrix.attentionLayer(shape));
    ProductCeiling product = new ProductCeiling(scene.engine(), !scene.effort().quick());
    int repeats = scene.effort().ceilingRepeats();
    for (Matrix m : matrices) {
      for (int rows : List.of(SMALL_M, LARGE_M)) {
        // Where time is short, the products that run beside the rows must do.
        if (rows > SMALL_M && scene.effort().quick()) {
          continue;
        }
        // At large M a run is long enough to average over disturbances by itself.
        int enough = rows > SMALL_M ? repeats / 2 : repeats;
        Ceiling ceiling =
            Ceiling.measure(
                rows + " x " + m.inputs() + " -> " + m.outputs(),
                "GFLOP/s",
                product.ways(rows, m.inputs(), m.outputs()),
                scene.engine().threads(),
                plan(0.001, enough));
        ceilings.product(m, ceiling);
        report(ceiling, "f32 x f32");
      }
    }
  }

  private void reads() {
    LayerShape shape = scene.shape();
    long retention = Float.BYTES * shape.retentionLayerWeights() + 2 * shape.stateBytes();
    long attention = Float.BYTES * shape.attentionLayerWeights() + shape.cacheBytes(8192);
    ReadCeiling read = new ReadCeiling(scene.engine());
    List<Long> sizes = new ArrayList<>(List.of(retention, attention));
    if (!scene.effort().quick()) {
      sizes.add(FAR_LARGER_THAN_CACHE);
    }
    for (long bytes : sizes) {
      Ceiling ceiling =
          Ceiling.measure(
              String.format(Locale.ROOT, "read %.0f MB", bytes / 1e6),
              "GB/s",
              read.ways(bytes),
              scene.engine().threads(),
              plan(0.1, scene.effort().ceilingRepeats() + 1));
      ceilings.read(bytes, ceiling);
      report(ceiling, "");
    }
  }

  private void scales() {
    LayerShape shape = scene.shape();
    ScaleCeiling scale = new ScaleCeiling(scene.engine());
    for (int batch : CoreStepSuite.BATCHES) {
      int heads = CoreStepSuite.LAYERS * batch * shape.heads();
      Ceiling ceiling =
          Ceiling.measure(
              String.format(
                  Locale.ROOT,
                  "scale %.0f MB in place",
                  (double) heads * shape.keyWidth() * shape.valueWidth() * Float.BYTES / 1e6),
              "GB/s",
              scale.ways(heads, shape.keyWidth(), shape.valueWidth()),
              scene.engine().threads(),
              plan(0.1, scene.effort().ceilingRepeats()));
      ceilings.scale(batch, ceiling);
      report(ceiling, CoreStepSuite.LAYERS + " layers' states, B=" + batch);
    }
  }

  private void emptyRegion() {
    Lanes.Task nothing = (lane, part) -> {};
    int parts = scene.engine().threads();
    Runnable many =
        () -> {
          for (int i = 0; i < EMPTY_RUNS; i++) {
            scene.engine().run(parts, nothing);
          }
        };
    Samples samples = Sampler.measure(new Contender("empty region", many), plan(0.3, 15));
    scene
        .results()
        .add(
            Kind.CEILING,
            "machine",
            "an empty parallel region, all threads",
            Workload.NONE,
            Timing.of(samples, 0),
            Cost.builder().value(samples.median() / EMPTY_RUNS, "ns"),
            "each sample is " + EMPTY_RUNS + " regions");
  }

  private void report(Ceiling ceiling, String note) {
    for (Ceiling.Way way : ceiling.tried()) {
      boolean best = way.equals(ceiling.best());
      scene
          .results()
          .add(
              Kind.CEILING,
              "machine",
              ceiling.name() + ": " + way.name() + ", threads " + way.threads(),
              Workload.NONE,
              Timing.of(way.samples(), 0),
              Cost.builder().value(way.value(), ceiling.unit()),
              (best ? BEST : SLOWER) + note);
    }
  }

  /** Reports a ceiling that was measured again beside the rows. */
  static void reportAgain(Scene scene, String what, Samples samples, double rate, String unit) {
    scene
        .results()
        .add(
            Kind.CEILING,
            "machine",
            what,
            Workload.NONE,
            Timing.of(samples, 0),
            Cost.builder().value(rate, unit),
            "again, by turns with the rows; the better figure counts");
  }
}
