package org.retention4j.model;

import org.retention4j.core.form.HeadKernel;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.ops.Lane;

/** A form of retention that is not ready for any heads. */
record UnreadyForm(String name) implements RetentionForm {
  @Override
  public MicroBatches microBatches() {
    return MicroBatches.FULL;
  }

  @Override
  public HeadKernel prepare(Lane lane, int keyWidth, int valueWidth) {
    throw new IllegalStateException("not ready");
  }
}
