package org.retention4j.bench.sessions;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.retention4j.bench.report.Machine;
import org.retention4j.bench.report.Results;
import org.retention4j.bench.report.Row;
import org.retention4j.bench.report.Row.Kind;
import org.retention4j.bench.suite.SampleText;

/** A whole run on models that are too small to say anything. */
class SessionSuiteTest {
  private static final SessionEffort TINY = new SessionEffort(2, 0, 5, 2, 640, false);

  @Test
  void everySceneHasItsRows() {
    List<String> heard = new ArrayList<>();
    Results results = new Results(Machine.current(2), row -> {});
    new SessionSuite(TINY, SampleText.read(null), 2, 1, results).run(heard::add);
    assertThat(results.equal()).isTrue();
    assertThat(results.rows(Kind.EQUIVALENCE)).hasSize(3);
    assertThat(heard).hasSize(SessionSuite.SCENES);
    assertThat(results.rows(Kind.SESSION, "snapshot", null)).hasSize(7);
    assertThat(results.rows(Kind.SESSION, "prefix", null)).hasSize(2);
    assertThat(results.rows(Kind.SESSION, "batch", null)).hasSize(5);
    assertThat(results.rows(Kind.SESSION, "draft", null)).hasSize(9);
    for (Row row : results.rows(Kind.SESSION)) {
      assertThat(row.timing().median()).as(row.what()).isPositive();
      if (row.cost().value() != null) {
        assertThat(row.cost().value())
            .as(row.what())
            .isBetween(row.cost().low(), row.cost().high());
      }
    }
    assertThat(note(results, "passes of 4 rows, all right")).isEqualTo("accepted 1.00");
    assertThat(note(results, "passes of 4 rows, each 4th wrong")).isNotEqualTo("accepted 1.00");
  }

  private static String note(Results results, String what) {
    return results.rows(Kind.SESSION).stream()
        .filter(row -> row.what().equals(what))
        .findFirst()
        .orElseThrow()
        .note();
  }

  @Test
  void clientsOfUnequalLengthsDoTheSameWorkInAll() {
    int[] text = new int[1000];
    assertThat(new Clients(text, 7, 3, 32, 128, true, 3).tokens()).isEqualTo(7 * 3 * 128);
    assertThat(new Clients(text, 7, 3, 32, 128, false, 3).tokens()).isEqualTo(7 * 3 * 128);
  }

  @Test
  void knownTextsGuessWhatComesAndErrWhereTheyAreToldTo() {
    int[] into = new int[8];
    try (KnownText text = new KnownText(new int[] {9, 8, 7, 6, 5, 4}, 4, 10)) {
      text.accept(9);
      assertThat(text.propose(into, 3)).isEqualTo(3);
      assertThat(into).startsWith(8, 7, 7); // the fourth token of the text is wrong
      text.accept(8, 7, 6, 5);
      assertThat(text.propose(into, 3)).isEqualTo(1);
      assertThat(into[0]).isEqualTo(4);
      text.accept(4);
      assertThat(text.propose(into, 3)).isZero();
    }
  }

  @Test
  void effortsThatMeasureNothingAreRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SessionEffort(1, 0, 5, 2, 640, false))
        .withMessageContaining("got 1, 5, 2, 640");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new SessionEffort(2, 0, 5, 2, 100, false))
        .withMessageContaining("a prompt of 384 tokens");
  }
}
