package org.retention4j.bench.suite;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.bench.ceiling.BareWork;
import org.retention4j.bench.ceiling.Ceiling;
import org.retention4j.bench.measure.AllocationMeter;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Formulas;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.measure.Statistics;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Format;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Workload;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.stack.BoundLayer;
import org.retention4j.model.stack.DecoderLayer;

/** Latency of one token after another at several depths, and what a step allocates. */
public final class DecodeSuite {
  private static final List<String> FORMS = List.of("recurrent", "attention");

  /** Room for the tokens that are decoded while measuring. */
  private static final int MARGIN = 2048;

  /** The depth whose row is held to the read bandwidth. */
  private static final int READ_DEPTH = 8192;

  private static final int FOLD = CoreStepSuite.FOLD;

  private final Scene scene;
  private final Ceilings ceilings;
  private final TokenInput input;

  /** A layer at a depth. */
  private final class Decoder implements AutoCloseable {
    final String form;
    final int depth;
    final MixerState state;
    final BoundLayer bound;

    Decoder(String form, int depth) {
      this.form = form;
      this.depth = depth;
      DecoderLayer layer = scene.models().layer(form);
      state = layer.mixer().newState(1, depth + MARGIN);
      if (depth > 0) {
        state.fillRandom(scene.seed() + depth, depth);
      }
      INDArray y = Nd4j.create(DataType.FLOAT, input.array().shape());
      bound = scene.models().bind(form, input.array(), state, y);
    }

    Contender timed() {
      return new Contender(form + " at " + depth, input::next, bound::step);
    }

    Workload workload() {
      LayerShape shape = scene.shape();
      String provider = scene.models().provider();
      return form.equals("attention")
          ? Workload.attention(shape, provider)
          : Workload.layer(shape, form, null, provider);
    }

    @Override
    public void close() {
      bound.close();
      state.close();
    }
  }

  /** Prepares. */
  public DecodeSuite(Scene scene, Ceilings ceilings) {
    this.scene = scene;
    this.ceilings = ceilings;
    input = new TokenInput(scene.text(), scene.table());
  }

  /** Measures latencies and flatness. */
  public void latencies() {
    List<Decoder> decoders = new ArrayList<>();
    long size = ceilings.nearestRead(attentionBytes(READ_DEPTH));
    Ceiling.Way way = ceilings.readWay(size);
    try (BareWork read = way.work().get()) {
      for (int depth : scene.effort().depths()) {
        FORMS.forEach(form -> decoders.add(new Decoder(form, depth)));
      }
      List<Contender> contenders = new ArrayList<>();
      decoders.forEach(decoder -> contenders.add(decoder.timed()));
      contenders.add(new Contender("read", () -> read.run(way.threads() > 1)));
      List<Samples> samples =
          Sampler.measure(
              contenders,
              new Sampler.Plan(scene.effort().warmUpSeconds(), scene.effort().folds(), FOLD));
      Samples again = samples.get(decoders.size());
      double rate = read.amount() / again.median();
      ceilings.readAgain(size, rate, "read, " + way.name() + ", beside the row");
      CeilingSuite.reportAgain(
          scene,
          String.format(Locale.ROOT, "read %.0f MB, %s", read.amount() / 1e6, way.name()),
          again,
          rate,
          "GB/s");
      for (int i = 0; i < decoders.size(); i++) {
        report(decoders.get(i), samples.get(i));
      }
      flatness(contenders);
    } finally {
      decoders.forEach(Decoder::close);
    }
  }

  private double attentionBytes(int depth) {
    LayerShape shape = scene.shape();
    return Formulas.attentionStepBytes(
        Float.BYTES * shape.attentionLayerWeights(), 1, shape.cacheBytes(depth));
  }

  private void flatness(List<Contender> contenders) {
    List<Integer> depths = scene.effort().depths();
    int deepest = depths.get(depths.size() - 1);
    // Contenders come in pairs, retention first.
    Contender shallow = contenders.get(0);
    Contender deep = contenders.get(2 * (depths.size() - 1));
    List<Samples> pairs =
        Sampler.measure(List.of(shallow, deep), new Sampler.Plan(0, scene.effort().pairs(), 1));
    Statistics.Interval ratio =
        Statistics.ratioOfPairs(pairs.get(1).values(), pairs.get(0).values(), scene.seed());
    Workload workload =
        Workload.layer(scene.shape(), "recurrent", null, scene.models().provider())
            .generate(1, deepest);
    scene
        .results()
        .add(
            Kind.FLATNESS,
            "layer",
            "decode latency at depth " + deepest + " over depth 0",
            workload,
            Timing.of(pairs.get(1), 1),
            Cost.builder().value(ratio.median(), "ratio").interval(ratio.low(), ratio.high()),
            pairs.get(0).count() + " interleaved pairs; 95 % bootstrap interval of the median");
  }

  private void report(Decoder decoder, Samples samples) {
    boolean attention = decoder.form.equals("attention");
    LayerShape shape = scene.shape();
    double bytes =
        attention
            ? attentionBytes(decoder.depth)
            : Formulas.retentionStepBytes(
                Float.BYTES * shape.retentionLayerWeights(), 1, shape.stateBytes());
    double moved =
        attention
            ? bytes
            : Float.BYTES * (double) shape.retentionLayerWeights()
                + shape.stateBytes() * CoreStepSuite.PASSES;
    Ceilings.Held held = ceilings.read(bytes);
    String filled =
        decoder.depth == 0
            ? "from an empty start"
            : (attention ? "cache" : "state") + " filled with seeded random numbers";
    scene
        .results()
        .add(
            Kind.DECODE,
            "layer",
            "decode",
            decoder.workload().generate(FOLD, decoder.depth),
            Timing.of(samples, 1),
            Cost.builder()
                .bytes(bytes, attention ? "weights + cache(n)" : "weights + 2·state")
                .moved(moved)
                .allocated(decoder.state.bytes())
                .ceiling(held.rate(), held.name())
                .beside(held.beside()),
            filled + "; each sample is the mean of " + FOLD + " steps in a row");
  }

  /** Counts what decoding allocates. */
  public void allocation() {
    AllocationMeter meter = new AllocationMeter();
    for (String form : FORMS) {
      int steps =
          form.equals("attention")
              ? scene.effort().allocationSteps() / 10
              : scene.effort().allocationSteps();
      try (Decoder decoder = new Decoder(form, 0)) {
        for (int i = 0; i < 2 * FOLD; i++) {
          input.next();
          decoder.bound.step();
        }
        meter.start();
        for (int i = 0; i < steps; i++) {
          input.next();
          decoder.bound.step();
        }
        AllocationMeter.Allocated allocated = meter.stop();
        scene
            .results()
            .add(
                Kind.ALLOCATION,
                "layer",
                "allocation over " + steps + " decode steps",
                decoder.workload().generate(steps, 0),
                Timing.NONE,
                Cost.builder()
                    .value(allocated.total() / (double) steps, "bytes per token")
                    .allocated(allocated.total()),
                String.format(
                    Locale.ROOT,
                    "heap of all threads %s B, library's counter %s B, JavaCPP's counter %s B",
                    Format.count(allocated.heap()),
                    Format.count(allocated.library()),
                    Format.count(allocated.pointers())));
      }
    }
  }

  /** Reports what is held, by formula and as allocated. */
  public void memory() {
    for (String form : FORMS) {
      boolean attention = form.equals("attention");
      DecoderLayer layer = scene.models().layer(form);
      LayerShape shape = scene.shape();
      long weights = attention ? shape.attentionLayerWeights() : shape.retentionLayerWeights();
      String kind = attention ? "Transformer layer" : "retention layer";
      Workload workload =
          attention
              ? Workload.attention(shape, scene.models().provider())
              : Workload.layer(shape, form, null, scene.models().provider());
      held(
          "weights of the " + kind,
          workload,
          Float.BYTES * weights,
          "4·weights",
          layer.weightBytes());
      for (int depth : scene.effort().depths()) {
        try (MixerState state = layer.mixer().newState(1, Math.max(1, depth))) {
          held(
              attention ? "key/value cache" : "state",
              workload.generate(0, depth),
              attention ? shape.cacheBytes(depth) : shape.stateBytes(),
              attention ? "2·n_kv·d_h·n·4" : "H·K·V·4",
              state.bytes());
        }
      }
    }
  }

  private void held(String what, Workload workload, long bytes, String formula, long allocated) {
    scene
        .results()
        .add(
            Kind.MEMORY,
            "layer",
            what,
            workload,
            Timing.NONE,
            Cost.builder().bytes(bytes, formula).allocated(allocated),
            null);
  }

  /** Reports where the two latency curves cross, as predicted and as measured. */
  public void crossover() {
    LayerShape shape = scene.shape();
    double predicted =
        Formulas.trafficCrossover(
            shape.valueFactor(),
            shape.keyWidth(),
            shape.modelWidth(),
            shape.attentionHeads(),
            shape.attentionWidth(),
            Float.BYTES,
            Float.BYTES);
    Crossover measured = Crossover.of(scene.results());
    scene
        .results()
        .add(
            Kind.CROSSOVER,
            "layer",
            "n*, the depth at which retention begins to move fewer bytes than a cache, predicted",
            Workload.NONE,
            Timing.NONE,
            Cost.builder().value(predicted, "tokens"),
            "f·K·(D/(n_kv·d_h))·(s_s/s_c); of memory it is half of that");
    Cost.Builder cost = Cost.builder();
    if (measured.depth() != null) {
      cost.value(measured.depth(), "tokens");
    }
    scene
        .results()
        .add(
            Kind.CROSSOVER,
            "layer",
            "the depth at which the two decode latencies cross, measured",
            Workload.NONE,
            Timing.NONE,
            cost,
            measured.note());
  }
}
