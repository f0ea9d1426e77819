package org.retention4j.bench.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.bytedeco.javacpp.BytePointer;
import org.junit.jupiter.api.Test;

class AllocationMeterTest {
  private byte[] kept = new byte[1];

  @Test
  void readsNothingWhereNothingIsAllocated() {
    AllocationMeter meter = new AllocationMeter();
    meter.start();
    kept[0]++;
    assertThat(meter.stop().total()).isZero();
  }

  @Test
  void seesHeapOfAnyThreadAndNativeBytes() throws InterruptedException {
    AllocationMeter meter = new AllocationMeter();
    Thread other = new Thread(() -> kept = new byte[100_000]);
    meter.start();
    other.start();
    while (other.getState() != Thread.State.TERMINATED) {
      Thread.onSpinWait();
    }
    byte[] mine = new byte[50_000];
    try (BytePointer block = new BytePointer(30_000)) {
      AllocationMeter.Allocated allocated = meter.stop();
      // A thread that has ended cannot be asked any more; this one can.
      assertThat(allocated.heap()).isGreaterThanOrEqualTo(mine.length);
      // Garbage of other suites in this JVM may be freed meanwhile: their pointers are small.
      assertThat(allocated.pointers()).isCloseTo(block.capacity(), within(2_000L));
    }
  }
}
