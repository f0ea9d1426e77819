package org.retention4j.forms;

import java.util.List;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionState;
import org.retention4j.core.StateConvention;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.testkit.BackwardCall;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.RetentionBackwardContract;

/** The contract of backward passes on every form, engine and route. */
@ParameterizedClass
@MethodSource("variants")
class BackwardContractTest implements RetentionBackwardContract {
  private final Variant variant;

  BackwardContractTest(Variant variant) {
    this.variant = variant;
  }

  static List<Variant> variants() {
    return Variant.all();
  }

  @Override
  public DataType dataType() {
    return variant.dataType();
  }

  @Override
  public int[] chunkSizes() {
    return variant.form().name().equals("recurrent") ? new int[0] : new int[] {1, 7, 16, 64, 100};
  }

  @Override
  public RetentionCore.Gradient backward(BackwardCall call) {
    return backward(call, variant.form());
  }

  @Override
  public RetentionCore.Gradient backward(BackwardCall call, int chunk) {
    boolean parallel = variant.form().name().equals("parallel");
    return backward(call, parallel ? new ParallelForm(chunk) : new ChunkwiseForm(chunk));
  }

  private RetentionCore.Gradient backward(BackwardCall call, RetentionForm form) {
    FormCall forward = call.forward();
    try (RetentionState state =
        RetentionState.of(
            variant.engine(),
            forward.state(),
            new long[(int) forward.q().size(0)],
            StateConvention.PLAIN)) {
      return new RetentionCore(variant.engine(), form)
          .backward(forward.call(), state, call.dOutput(), call.dState());
    }
  }
}
