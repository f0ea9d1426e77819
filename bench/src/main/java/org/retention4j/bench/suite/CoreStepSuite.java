package org.retention4j.bench.suite;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.bench.ceiling.BareWork;
import org.retention4j.bench.ceiling.Ceiling;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.LayerShape;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Cost;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.report.Timing;
import org.retention4j.bench.report.Workload;
import org.retention4j.core.BoundSequence;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionState;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;

/** The recurrent core alone, one token over the states of 24 layers in turn. */
public final class CoreStepSuite {
  /** Layers whose states are advanced in turn, so that none stays in the cache. */
  public static final int LAYERS = 24;

  /** Sequences. */
  public static final List<Integer> BATCHES = List.of(1, 8);

  /** Tokens that the decoder keeps aside before it folds them into the state. */
  public static final int FOLD = 16;

  /** Passes over the state per token: one read, and a read and a write per fold. */
  public static final double PASSES = 1 + 2.0 / FOLD;

  private final Scene scene;
  private final Ceilings ceilings;

  /** Prepares. */
  public CoreStepSuite(Scene scene, Ceilings ceilings) {
    this.scene = scene;
    this.ceilings = ceilings;
  }

  /** The states of all layers, bound on one engine. */
  private static final class Stack implements AutoCloseable {
    final List<RetentionState> states = new ArrayList<>();
    final List<BoundSequence> layers = new ArrayList<>();

    Stack(Engine engine, LayerShape shape, int batch, long seed) {
      INDArray q = random(seed, batch, shape.heads(), shape.keyWidth());
      INDArray k = random(seed + 1, batch, shape.heads(), shape.keyWidth());
      INDArray v = random(seed + 2, batch, shape.heads(), shape.valueWidth());
      INDArray out = v.dup();
      LogDecay decay = DecaySchedule.pow2(shape.heads()).logDecay();
      RetentionForm form = Models.FORMS.get("recurrent");
      double scale = 1 / Math.sqrt(shape.keyWidth());
      for (int i = 0; i < LAYERS; i++) {
        RetentionState state =
            RetentionState.zeros(
                engine, batch, shape.heads(), shape.keyWidth(), shape.valueWidth());
        states.add(state);
        layers.add(
            new RetentionCore(engine, form)
                .bind(RetentionCall.of(q, k, v, decay).withScale(scale), state, out));
      }
    }

    private static INDArray random(long seed, int batch, int heads, int width) {
      SplittableRandom random = new SplittableRandom(seed);
      float[] data = new float[batch * heads * width];
      for (int i = 0; i < data.length; i++) {
        data[i] = (float) random.nextGaussian();
      }
      return Nd4j.createFromArray(data).reshape(batch, 1, heads, width);
    }

    void step() {
      for (int i = 0; i < layers.size(); i++) {
        layers.get(i).step();
      }
    }

    @Override
    public void close() {
      states.forEach(RetentionState::close);
    }
  }

  /** Measures every batch with every provider of this JVM. */
  public void run() {
    Set<ComputeRoute> providers =
        new LinkedHashSet<>(List.of(ComputeRoute.PLAIN, ComputeRoute.best()));
    for (int batch : BATCHES) {
      measure(batch, providers);
    }
  }

  private void measure(int batch, Set<ComputeRoute> providers) {
    Ceiling.Way way = ceilings.scaleWay(batch);
    List<Engine> engines = new ArrayList<>();
    List<Stack> stacks = new ArrayList<>();
    try (BareWork scale = way.work().get()) {
      for (ComputeRoute provider : providers) {
        Engine engine = Engine.create(ElementType.FLOAT32, scene.engine().threads(), provider);
        engines.add(engine);
        stacks.add(new Stack(engine, scene.shape(), batch, scene.seed()));
      }
      List<Contender> contenders = new ArrayList<>();
      stacks.forEach(stack -> contenders.add(new Contender("core step", stack::step)));
      contenders.add(new Contender("scale", () -> scale.run(way.threads() > 1)));
      int rounds = scene.effort().repeats();
      List<Samples> samples =
          Sampler.measure(
              contenders,
              new Sampler.Plan(
                  (batch == 1 ? 2 : 1) * scene.effort().warmUpSeconds(), rounds, FOLD));
      Samples again = samples.get(stacks.size());
      double rate = scale.amount() / again.median();
      ceilings.scaleAgain(batch, rate, "scale in place, " + way.name() + ", beside the row");
      CeilingSuite.reportAgain(
          scene, "scale in place, " + way.name() + ", B=" + batch, again, rate, "GB/s");
      for (int i = 0; i < stacks.size(); i++) {
        report(engines.get(i), batch, samples.get(i));
      }
    } finally {
      stacks.forEach(Stack::close);
      engines.forEach(Engine::close);
    }
  }

  private void report(Engine engine, int batch, Samples samples) {
    Ceilings.Held held = ceilings.scale(batch);
    double state = (double) LAYERS * batch * scene.shape().stateBytes();
    Workload workload =
        Workload.block(scene.shape(), "recurrent", null, engine.route().name())
            .core(LAYERS, batch)
            .generate(FOLD, null);
    scene
        .results()
        .add(
            Kind.CORE_STEP,
            "core",
            "core step (" + engine.kernelsName() + ")",
            workload,
            Timing.of(samples, batch),
            Cost.builder()
                .bytes(2 * state, "2·L·b·H·K·V·4")
                .moved(PASSES * state)
                .allocated(state)
                .error(scene.results().coreError("recurrent"), EquivalenceSuite.CORE)
                .ceiling(held.rate(), held.name())
                .beside(held.beside()),
            "each sample is the mean of " + FOLD + " tokens, a whole fold");
  }
}
