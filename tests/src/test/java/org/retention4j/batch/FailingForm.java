package org.retention4j.batch;

import java.util.concurrent.atomic.AtomicInteger;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.Lane;

/**
 * The chunkwise form, which fails half-way when it is asked to.
 *
 * @param failures so many heads fail
 * @param gaps behind so many heads, the next look for what was bound for it fails, as binding does
 *     for want of memory: between two micro-batches
 * @param unfound so many looks fail
 */
record FailingForm(AtomicInteger failures, AtomicInteger gaps, AtomicInteger unfound)
    implements RetentionForm {
  static final String MESSAGE = "failed half-way";

  FailingForm(AtomicInteger failures, AtomicInteger gaps) {
    this(failures, gaps, new AtomicInteger());
  }

  private static boolean take(AtomicInteger from) {
    return from.getAndUpdate(left -> Math.max(0, left - 1)) > 0;
  }

  @Override
  public String name() {
    return "failing";
  }

  @Override
  public MicroBatches microBatches() {
    return new ChunkwiseForm().microBatches();
  }

  @Override
  public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
    HeadKernel kernel = new ChunkwiseForm().prepare(lane, keyWidth, valueWidth);
    return slice -> {
      if (take(failures)) {
        throw new IllegalStateException(MESSAGE);
      }
      if (take(gaps)) {
        unfound.incrementAndGet();
      }
      kernel.advance(slice);
    };
  }

  @Override
  public boolean equals(Object other) {
    return this == other;
  }

  @Override
  public int hashCode() {
    if (take(unfound)) {
      throw new IllegalStateException(MESSAGE);
    }
    return System.identityHashCode(this);
  }
}
