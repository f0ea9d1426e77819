package org.retention4j.bench.jmh;

import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.MatMulGroup;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.Scratch;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.Init;

/** One projection of the paper's layer, 2048 to 4096 features, on all lanes. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(
    value = 1,
    jvmArgsAppend = {"--add-modules", "jdk.incubator.vector"})
@State(Scope.Benchmark)
public class ProjectionBenchmark {
  private static final int INPUTS = 2048;
  private static final int OUTPUTS = 4096;
  private static final long SEED = 42;

  /** M, the tokens that are projected together. */
  @Param({"1", "512"})
  public int rows;

  /** How the weights are stored. */
  @Param({"FLOAT32", "BFLOAT16", "INT8"})
  public WeightType weightType;

  private Engine engine;
  private Buffers arena;
  private PackedMatrix weights;
  private Scratch scratch;
  private MatMulGroup projections;

  /** Binds. */
  @Setup(Level.Trial)
  public void bind() {
    engine = Engine.float32();
    arena = engine.newBuffers();
    weights = engine.pack(Init.uniform(new SplittableRandom(SEED), OUTPUTS, INPUTS), weightType);
    scratch = engine.newScratch();
    projections =
        engine
            .matMuls(arena, scratch, arena.tile(rows, INPUTS), false)
            .add(weights, arena.tile(rows, OUTPUTS), Activation.NONE);
  }

  /** Projects all rows. */
  @Benchmark
  public void project() {
    projections.run();
  }

  /** Frees. */
  @TearDown(Level.Trial)
  public void close() {
    arena.close();
    scratch.close();
    weights.close();
    engine.close();
  }
}
