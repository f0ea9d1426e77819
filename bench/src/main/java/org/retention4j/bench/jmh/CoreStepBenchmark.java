package org.retention4j.bench.jmh;

import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.recurrent.RecurrentForm;

/** One token of one layer's recurrent core; the state stays in the cache. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
public class CoreStepBenchmark {
  /** The recurrent core over one token. */
  @State(Scope.Benchmark)
  public static class Step extends CoreState {
    /** Route of element-wise work. */
    @Param({"PLAIN", "VECTOR"})
    public ComputeRoute provider;

    @Override
    protected RetentionForm form() {
      return new RecurrentForm();
    }

    @Override
    protected int tokens() {
      return 1;
    }

    @Override
    protected ComputeRoute provider() {
      return provider;
    }
  }

  /** Advances one token. */
  @Benchmark
  public void coreStep(Step step) {
    step.step();
  }
}
