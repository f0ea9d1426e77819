package org.retention4j.core;

import java.util.Arrays;
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

  /**
   * Gradients of ⟨dOutput, o⟩ + ⟨dFinalState, S_T⟩, in the engine's type; 0 at padded tokens.
   *
   * @param q (B,T,H,K)
   * @param k (B,T,H_kv,K), summed over the heads that share it
   * @param v (B,T,H_kv,V), summed over the heads that share it
   * @param logDecay (H) of a constant decay, the gradient of the one number per head; (B,T,H) of
   *     one per token, 0 at resets
   * @param initialState (B,H,K,V)
   * @since 0.1
   */
  public record Gradient(
      INDArray q, INDArray k, INDArray v, INDArray logDecay, INDArray initialState) {}

  /**
   * Takes gradients back through a call: the same form's backward pass. Segments of a sequence
   * chain: the gradient of a segment's initial state is that of the final state of the one before.
   *
   * @param initial (B,H,K,V) the state that came in; it stays as it is
   * @param dOutput gradient of o (B,T,H,V), of the engine's type
   * @param dFinalState gradient of S_T (B,H,K,V), of the engine's type
   * @throws IllegalArgumentException for anything that does not fit, with what was expected
   * @throws UnsupportedOperationException if the form has no backward pass
   */
  public Gradient backward(
      RetentionCall call, RetentionState initial, INDArray dOutput, INDArray dFinalState) {
    Args.present("call", call);
    Args.present("state", initial);
    Args.present("gradient of the outputs", dOutput);
    Args.present("gradient of the final state", dFinalState);
    CoreChecks.checkInputs(engine, call, initial);
    CoreChecks.checkOutputs("gradient of the outputs", engine, call, initial, dOutput);
    CoreChecks.checkStateArray(dFinalState, engine);
    long[] shape = {initial.batch(), initial.heads(), initial.keyWidth(), initial.valueWidth()};
    if (!Arrays.equals(dFinalState.shape(), shape)) {
      throw new IllegalArgumentException(
          "expected the gradient of the final state of shape "
              + Arrays.toString(shape)
              + ", got "
              + Arrays.toString(dFinalState.shape()));
    }
    try (CoreGradient gradient = new CoreGradient(engine, form, call, initial, dOutput)) {
      return gradient.backward(dFinalState);
    }
  }
}
