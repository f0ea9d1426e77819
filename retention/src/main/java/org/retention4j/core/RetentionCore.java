package org.retention4j.core;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.args.Args;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.engine.Engine;

/**
 * The retention core on q, k and v in one form: o_t = scale · q_t S_t with S_t = e^(g_t) S_(t−1) +
 * k_tᵀ v_t (arXiv 2307.08621, equation 6; section 2.1 for the three forms).
 *
 * <p>A refused call leaves the state untouched. Immutable; serves many states and threads.
 *
 * @since 0.1
 */
public final class RetentionCore {
  private final Engine engine;
  private final RetentionForm form;

  /** Computes in a form on an engine, which stays the caller's to close. */
  public RetentionCore(Engine engine, RetentionForm form) {
    Args.present("engine", engine);
    Args.present("form", form);
    this.engine = engine;
    this.form = form;
  }

  /**
   * Advances a state over the tokens of a call.
   *
   * @param state (B,H,K,V), advanced in place
   * @return o (B,T,H,V), a new array
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   */
  public INDArray advance(RetentionCall call, RetentionState state) {
    Args.present("call", call);
    INDArray q = call.q();
    INDArray out =
        Nd4j.create(engine.dataType(), q.size(0), q.size(1), q.size(2), call.v().size(3));
    try (BoundSequence bound = bind(call, state, out)) {
      bound.step();
    }
    return out;
  }

  /**
   * Binds a call to a state and an output array; {@link BoundSequence#step()} then advances without
   * allocating.
   *
   * @param out (B,T,H,V), receives o; shares no memory with q, k, v or per-token decays
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   */
  public BoundSequence bind(RetentionCall call, RetentionState state, INDArray out) {
    Args.present("call", call);
    CoreChecks.check(engine, call, state, out);
    return new CoreBinding(engine, form, call, state, out);
  }
}
