package org.retention4j.forms;

import java.util.List;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.buffer.DataType;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;
import org.retention4j.testkit.RetentionFormContract;

/** The contract on every form, engine, provider and block size. */
@ParameterizedClass
@MethodSource("variants")
class FormsContractTest implements RetentionFormContract {
  private final Variant variant;

  FormsContractTest(Variant variant) {
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
  public FormResult advance(FormCall call) {
    return variant.advance(call);
  }

  /** The recurrent form hands over to the chunkwise one and the others to the recurrent one. */
  @Override
  public FormResult advanceOtherForm(FormCall call) {
    RetentionForm other =
        variant.form() instanceof RecurrentForm ? new ChunkwiseForm(7) : new RecurrentForm();
    return variant.advance(call, other);
  }
}
