package org.retention4j.bench.suite;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.report.Timing;

/** Tokens per second of blocks and layers over prompts, and the memory that takes. */
public final class PrefillSuite {
  /** A prompt of this length is long work: a single run takes seconds. */
  private static final int LONG = 4096;

  private static final int PEAK_LONG = 8192;

  /** Forms whose work per token grows with the prompt. */
  private static final Set<String> QUADRATIC = Set.of("parallel", "attention");

  private record Subject(String scope, String form) {
    /** Whole layers answer the question; blocks of slower forms are extra. */
    boolean mayBeLeftOut() {
      return scope.equals("block") && !form.equals("chunkwise");
    }
  }

  private final Scene scene;
  private final Ceilings ceilings;
  private final INDArray x;
  private final INDArray y;

  /** Embeds the text at the greatest length. */
  public PrefillSuite(Scene scene, Ceilings ceilings) {
    this.scene = scene;
    this.ceilings = ceilings;
    x = scene.text().embed(scene.table(), PEAK_LONG);
    y = Nd4j.create(DataType.FLOAT, x.shape());
  }

  /** Measures one length. */
  public void run(int tokens) {
    if (tokens >= LONG) {
      runOneByOne(tokens);
    } else {
      runInRounds(tokens);
    }
  }

  private List<Subject> subjects() {
    List<Subject> all = new ArrayList<>();
    // The first ones count most, should time run out.
    all.add(new Subject("layer", "chunkwise"));
    all.add(new Subject("layer", "attention"));
    all.add(new Subject("block", "chunkwise"));
    for (String form : List.of("recurrent", "parallel")) {
      all.add(new Subject("layer", form));
      all.add(new Subject("block", form));
    }
    return all;
  }

  private PrefillContender bind(Subject subject, int tokens) {
    INDArray in = EquivalenceSuite.part(x, 0, tokens);
    INDArray out = EquivalenceSuite.part(y, 0, tokens);
    return subject.scope().equals("block")
        ? PrefillContender.block(scene.models(), subject.form(), in, out)
        : PrefillContender.layer(scene.models(), subject.form(), in, out);
  }

  private void runInRounds(int tokens) {
    List<PrefillContender> bound = new ArrayList<>();
    List<ProductMix> mixes = new ArrayList<>();
    try {
      for (List<Matrix> matrices : matrices()) {
        mixes.add(new ProductMix(scene.engine(), matrices));
      }
      subjects().forEach(subject -> bound.add(bind(subject, tokens)));
      List<Contender> contenders = new ArrayList<>();
      mixes.forEach(mix -> contenders.add(mix.timed()));
      bound.forEach(contender -> contenders.add(contender.timed()));
      List<Samples> samples = Sampler.measure(contenders, plan(tokens));
      for (int i = 0; i < mixes.size(); i++) {
        reportMix(mixes.get(i), samples.get(i));
      }
      for (int i = 0; i < bound.size(); i++) {
        report(bound.get(i), samples.get(mixes.size() + i));
      }
    } finally {
      bound.forEach(PrefillContender::close);
      mixes.forEach(ProductMix::close);
    }
  }

  /** Proof and shorter prompts have run the same code; only the shortest prompt warms up. */
  private Sampler.Plan plan(int tokens) {
    int repeats = scene.effort().repeats();
    if (tokens == scene.effort().lengths().get(0)) {
      double warmUp = scene.effort().quick() ? 0 : scene.effort().warmUpSeconds();
      return new Sampler.Plan(warmUp, repeats, 1);
    }
    double cost = subjects().stream().mapToDouble(s -> seconds(s, tokens)).sum();
    int rounds =
        scene.deadline().rounds(scene.effort().leastRepeats(), repeats, cost, reserve(tokens));
    return new Sampler.Plan(0, rounds, 1);
  }

  private List<List<Matrix>> matrices() {
    return List.of(
        Matrix.retentionBlock(scene.shape()),
        Matrix.retentionLayer(scene.shape()),
        Matrix.attentionLayer(scene.shape()));
  }

  private void reportMix(ProductMix mix, Samples samples) {
    double rate = mix.flops() / samples.median();
    ceilings.productAgain(mix.matrices(), rate);
    CeilingSuite.reportAgain(
        scene,
        "bare products over " + mix.matrices().size() + " matrices, M=512",
        samples,
        rate,
        "GFLOP/s");
  }

  private void runOneByOne(int tokens) {
    for (Subject subject : subjects()) {
      boolean late = seconds(subject, tokens) > scene.deadline().remaining();
      if (late && subject.mayBeLeftOut()) {
        continue;
      }
      try (PrefillContender contender = bind(subject, tokens)) {
        report(contender, Sampler.measure(contender.timed(), new Sampler.Plan(0, 1, 1)));
      }
    }
  }

  /** Returns what one run will take, from the longest shorter prompt and its useful FLOPs. */
  private double seconds(Subject subject, int tokens) {
    return scene.results().rows(Kind.PREFILL, subject.scope(), subject.form()).stream()
        .reduce((before, last) -> last)
        .map(
            row -> {
              double growth = tokens / (double) row.workload().nPrompt();
              boolean quadratic = QUADRATIC.contains(subject.form()) && tokens >= LONG;
              return row.timing().median() / 1e9 * growth * (quadratic ? 1.5 : 1);
            })
        .orElse(0.0);
  }

  /** Returns the seconds that longer prompts will need. */
  private double reserve(int tokens) {
    double seconds = 0;
    for (int longer : scene.effort().lengths()) {
      if (longer > tokens) {
        seconds += subjects().stream().mapToDouble(s -> seconds(s, longer)).sum();
      }
    }
    return seconds + seconds(new Subject("block", "chunkwise"), PEAK_LONG);
  }

  private void report(PrefillContender contender, Samples samples) {
    List<Matrix> matrices =
        contender.scope().equals("block")
            ? Matrix.retentionBlock(scene.shape())
            : contender.form().equals("attention")
                ? Matrix.attentionLayer(scene.shape())
                : Matrix.retentionLayer(scene.shape());
    Ceilings.Held held = ceilings.product(matrices);
    int tokens = contender.tokens();
    String few =
        samples.count() < 5 ? "; " + samples.count() + " repeat(s): " + reason(samples) : "";
    Cost.Builder cost =
        Cost.builder()
            .flops(contender.flops(), contender.formula())
            .allocated(contender.peakBytes())
            .ceiling(held.rate(), held.name())
            .beside(held.beside());
    if (!contender.form().equals("attention")) {
      cost.error(scene.results().coreError(contender.form()), EquivalenceSuite.CORE);
    }
    scene
        .results()
        .add(
            Kind.PREFILL,
            contender.scope(),
            "prefill",
            contender.workload(),
            Timing.of(samples, tokens),
            cost,
            scene.text().coverage(tokens) + few);
    if (contender.scope().equals("block") && contender.form().equals("chunkwise")) {
      reportPeak(contender, samples);
    }
  }

  private String reason(Samples samples) {
    if (samples.median() > 1e9) {
      return "a single one takes seconds";
    }
    return scene.effort().quick() ? "--quick" : "the time of the whole run is limited";
  }

  /** Takes the peak of held memory over the longest prompt, unless that has been run. */
  public void peak() {
    boolean known =
        scene.results().rows(Kind.PEAK, "block", "chunkwise").stream()
            .anyMatch(row -> row.workload().nPrompt() == PEAK_LONG);
    if (known) {
      return;
    }
    try (PrefillContender contender = bind(new Subject("block", "chunkwise"), PEAK_LONG)) {
      reportPeak(contender, Sampler.measure(contender.timed(), new Sampler.Plan(0, 1, 1)));
    }
  }

  private void reportPeak(PrefillContender contender, Samples samples) {
    scene
        .results()
        .add(
            Kind.PEAK,
            contender.scope(),
            "peak of held bytes beyond input and output",
            contender.workload(),
            Timing.of(samples, contender.tokens()),
            Cost.builder().allocated(contender.peakBytes()),
            "state, bound buffers and what one run takes");
  }
}
