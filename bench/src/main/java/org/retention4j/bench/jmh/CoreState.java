package org.retention4j.bench.jmh;

import java.util.SplittableRandom;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.retention4j.core.BoundSequence;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.RetentionCall;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionState;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;

/** The core of one layer bound to seeded inputs; benchmarks choose form and length. */
@State(Scope.Benchmark)
public abstract class CoreState {
  private static final int HEADS = 8;
  private static final int KEYS = 256;
  private static final int VALUES = 512;
  private static final long SEED = 42;

  private Engine engine;
  private RetentionState state;
  private BoundSequence bound;

  /** Returns the form. */
  protected abstract RetentionForm form();

  /** Returns T. */
  protected abstract int tokens();

  /** Returns the provider of element-wise work. */
  protected ComputeRoute provider() {
    return ComputeRoute.best();
  }

  /** Binds. */
  @Setup(Level.Trial)
  public void bind() {
    engine =
        Engine.create(ElementType.FLOAT32, Runtime.getRuntime().availableProcessors(), provider());
    state = RetentionState.zeros(engine, 1, HEADS, KEYS, VALUES);
    SplittableRandom random = new SplittableRandom(SEED);
    INDArray q = random(random, KEYS);
    INDArray k = random(random, KEYS);
    INDArray v = random(random, VALUES);
    bound =
        new RetentionCore(engine, form())
            .bind(
                RetentionCall.of(q, k, v, DecaySchedule.pow2(HEADS).logDecay())
                    .withScale(1 / Math.sqrt(KEYS)),
                state,
                v.dup());
  }

  private INDArray random(SplittableRandom random, int width) {
    float[] data = new float[tokens() * HEADS * width];
    for (int i = 0; i < data.length; i++) {
      data[i] = (float) random.nextGaussian();
    }
    return Nd4j.createFromArray(data).reshape(1, tokens(), HEADS, width);
  }

  /** Advances the state over the inputs. */
  public void step() {
    bound.step();
  }

  /** Frees. */
  @TearDown(Level.Trial)
  public void close() {
    state.close();
    engine.close();
  }
}
