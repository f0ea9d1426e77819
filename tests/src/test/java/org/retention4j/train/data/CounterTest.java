package org.retention4j.train.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.BitSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CounterTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 7, 8, 63, 64, 65, 1000, 4096, 4097})
  void permutationsTakeEachPlaceOnce(int count) {
    for (long key = 0; key < 5; key++) {
      BitSet seen = new BitSet();
      for (int i = 0; i < count; i++) {
        long at = Counter.permuted(key, count, i);
        assertThat(at).isBetween(0L, count - 1L);
        seen.set((int) at);
      }
      assertThat(seen.cardinality()).as("count %d, key %d", count, key).isEqualTo(count);
    }
  }

  @Test
  void permutationsDifferAndMove() {
    int same = 0;
    int fixed = 0;
    for (int i = 0; i < 1000; i++) {
      same += Counter.permuted(1, 1000, i) == Counter.permuted(2, 1000, i) ? 1 : 0;
      fixed += Counter.permuted(1, 1000, i) == i ? 1 : 0;
    }
    assertThat(same).isLessThan(20);
    assertThat(fixed).isLessThan(20);
  }

  @Test
  void numbersAreEvenAndDependOnAllThatTheyAreFor() {
    double sum = 0;
    int[] tenths = new int[10];
    for (int i = 0; i < 100_000; i++) {
      double unit = Counter.unit(Counter.bits(7, 3, i % 8, i / 8));
      sum += unit;
      tenths[(int) (10 * unit)]++;
    }
    assertThat(sum / 100_000).isBetween(0.495, 0.505);
    for (int count : tenths) {
      assertThat(count).isBetween(9_600, 10_400);
    }
    long bits = Counter.bits(1, 2, 3, 4);
    assertThat(Counter.bits(1, 2, 3, 4)).isEqualTo(bits);
    assertThat(Counter.bits(0, 2, 3, 4)).isNotEqualTo(bits);
    assertThat(Counter.bits(1, 3, 3, 4)).isNotEqualTo(bits);
    assertThat(Counter.bits(1, 2, 4, 4)).isNotEqualTo(bits);
    assertThat(Counter.bits(1, 2, 3, 5)).isNotEqualTo(bits);
    assertThat(Counter.bits(1, 2, 4, 3)).isNotEqualTo(bits);
  }
}
