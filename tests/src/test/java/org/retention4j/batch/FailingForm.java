package org.retention4j.batch;

import java.util.concurrent.atomic.AtomicInteger;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.Lane;

/** The chunkwise form, which fails half-way when it is asked to. */
record FailingForm(AtomicInteger failures) implements RetentionForm {
  static final String MESSAGE = "failed half-way";

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
      if (failures.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        throw new IllegalStateException(MESSAGE);
      }
      kernel.advance(slice);
    };
  }
}
