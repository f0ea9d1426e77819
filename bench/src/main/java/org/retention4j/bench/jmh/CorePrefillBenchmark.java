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
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.parallel.ParallelForm;

/** The chunkwise and the parallel core of one layer over 512 tokens. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
public class CorePrefillBenchmark {
  private static final int TOKENS = 512;

  /** The chunkwise core. */
  @State(Scope.Benchmark)
  public static class Chunkwise extends CoreState {
    /** C. */
    @Param({"32", "64", "128"})
    public int chunk;

    @Override
    protected RetentionForm form() {
      return new ChunkwiseForm(chunk);
    }

    @Override
    protected int tokens() {
      return TOKENS;
    }
  }

  /** The parallel core. */
  @State(Scope.Benchmark)
  public static class Parallel extends CoreState {
    @Override
    protected RetentionForm form() {
      return new ParallelForm();
    }

    @Override
    protected int tokens() {
      return TOKENS;
    }
  }

  /** Advances 512 tokens chunk by chunk. */
  @Benchmark
  public void chunkwiseCore(Chunkwise chunkwise) {
    chunkwise.step();
  }

  /** Advances 512 tokens at once. */
  @Benchmark
  public void parallelCore(Parallel parallel) {
    parallel.step();
  }
}
