package org.retention4j.forms;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.RetentionState;
import org.retention4j.core.StateConvention;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;
import org.retention4j.testkit.FormCall;
import org.retention4j.testkit.FormResult;

/** One of this project's forms on one engine. */
public record Variant(Engine engine, RetentionForm form) {
  private static final int[] SIZES = {1, 7, 64, 65, 128};

  /** Returns all three forms, in every block and chunk size of the suites. */
  public static List<RetentionForm> forms() {
    List<RetentionForm> forms = new ArrayList<>();
    forms.add(new RecurrentForm());
    for (int size : SIZES) {
      forms.add(new ParallelForm(size));
      forms.add(new ChunkwiseForm(size));
    }
    return forms;
  }

  /** Returns the engines that this JVM can run: fp32 on each provider, and float64. */
  public static List<Engine> engines() {
    return List.of(Engines.plain(), Engines.vector(), Engines.float64());
  }

  /** Returns every form on every engine. */
  public static List<Variant> all() {
    return engines().stream()
        .flatMap(engine -> forms().stream().map(form -> new Variant(engine, form)))
        .toList();
  }

  /** Returns the type of the arrays. */
  public DataType dataType() {
    return engine.dataType();
  }

  /** Runs a call through {@link RetentionCore} on a state of its own. */
  public FormResult advance(FormCall call) {
    return advance(call, form);
  }

  /** Runs a call in another form on the same engine. */
  public FormResult advance(FormCall call, RetentionForm other) {
    long[] positions = new long[(int) call.state().size(0)];
    try (RetentionState state =
        RetentionState.of(engine, call.state(), positions, StateConvention.PLAIN)) {
      INDArray output = new RetentionCore(engine, other).advance(call.call(), state);
      return new FormResult(output, state.toArray());
    }
  }

  @Override
  public String toString() {
    return form + " " + engine.type() + " " + engine.kernelsName();
  }
}
