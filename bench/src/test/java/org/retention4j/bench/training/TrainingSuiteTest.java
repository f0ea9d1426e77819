package org.retention4j.bench.training;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.retention4j.bench.measure.Deadline;
import org.retention4j.bench.report.Machine;
import org.retention4j.bench.report.Results;
import org.retention4j.bench.report.Row;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.suite.SampleText;

/** A whole run on a shape that is too small to say anything. */
class TrainingSuiteTest {
  private static final TrainingShape TINY = new TrainingShape(32, 2, 2, 48, 2, 91, 128);

  private final List<String> heard = new ArrayList<>();

  private Results run(double seconds) {
    Results results = new Results(Machine.current(2), row -> {});
    // Counted from the start of the JVM.
    double passed = -new Deadline(0).remaining();
    TrainingEffort effort = new TrainingEffort(List.of(512, 64), 2, 100, 0, passed + seconds);
    new TrainingSuite(List.of(TINY), effort, SampleText.read(null), 2, 1, results).run(heard::add);
    return results;
  }

  @Test
  void everyMixerHasItsRows() {
    Results results = run(600);
    assertThat(results.equal()).isTrue();
    // Two pairs of mixers at two lengths.
    assertThat(results.rows(Kind.EQUIVALENCE)).hasSize(4);
    assertThat(results.rows(Kind.SKIPPED)).isEmpty();
    assertThat(results.rows(Kind.ALLOCATION)).hasSize(1);
    assertThat(results.rows(Kind.PEAK)).hasSize(2);
    assertThat(heard).contains("D 32, rows of 64 tokens", "D 32, rows of 512 tokens");
    for (Mixing mixing : Mixing.values()) {
      List<Row> rows = results.rows(Kind.TRAINING, "D 32", mixing.word());
      assertThat(rows).as(mixing.word()).hasSize(2);
      for (Row row : rows) {
        assertThat(row.timing().repeats()).isEqualTo(2);
        assertThat(row.cost().share()).isPositive();
        int tokens = row.workload().nPrompt();
        assertThat(row.workload().nBatch()).isEqualTo(tokens == 64 ? 2 : 1);
        assertThat(row.cost().flops()).isEqualTo(TrainingFormulas.stepFlops(TINY, mixing, tokens));
      }
    }
  }

  /**
   * What the library holds is what the formula says, in the main: a lane's scratch is not in it.
   */
  @Test
  void heldBytesAreNearTheFormula() {
    for (Mixing mixing : Mixing.values()) {
      try (StepContender contender =
          new StepContender(TINY, mixing, 2048, 1, SampleText.read(null), 1)) {
        double ratio = contender.heldBytes() / TrainingFormulas.stepBytes(TINY, mixing, 2048, 1);
        assertThat(ratio).as(mixing.word()).isBetween(0.9, 1.4);
      }
    }
  }

  @Test
  void whatWouldNotBeDoneInTimeIsSaid() {
    Results results = run(0);
    assertThat(results.rows(Kind.TRAINING)).isEmpty();
    // Four mixers at two lengths, and memory at two.
    assertThat(results.rows(Kind.SKIPPED)).hasSize(10);
    assertThat(results.rows(Kind.SKIPPED).get(0).what()).contains("skipped", "--minutes");
  }
}
