package org.retention4j.testkit;

import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.RetentionCore;
import org.retention4j.core.reference.ReferenceGradient;

/**
 * What the backward pass of a form is asked to do: the gradients of ⟨dOutput, o⟩ + ⟨dState, S_T⟩.
 *
 * @param forward the call whose outputs and final state these are
 * @param dOutput gradient of o (B,T,H,V); what stands at padded tokens counts for nothing
 * @param dState gradient of S_T (B,H,K,V)
 * @since 0.1
 */
public record BackwardCall(FormCall forward, INDArray dOutput, INDArray dState) {
  /** Returns what the plain float64 reference makes of this call. */
  public RetentionCore.Gradient reference() {
    return ReferenceGradient.backward(forward.call(), forward.state(), dOutput, dState);
  }

  /** Returns this call with other gradients of the outputs. */
  public BackwardCall withOutput(INDArray other) {
    return new BackwardCall(forward, other, dState);
  }

  /** Returns this call with another gradient of the final state. */
  public BackwardCall withState(INDArray other) {
    return new BackwardCall(forward, dOutput, other);
  }

  /** Returns this call of another forward call. */
  public BackwardCall withForward(FormCall other) {
    return new BackwardCall(other, dOutput, dState);
  }

  /** Returns the call of a case, its gradients standard normal. */
  static BackwardCall of(FormCase sizes, DataType type) {
    FormCall call = sizes.call(type);
    long[] q = call.q().shape();
    return new BackwardCall(
        call,
        Tensors.gaussian(21, type, q[0], q[1], q[2], call.v().size(3)),
        Tensors.gaussian(22, type, call.state().shape()));
  }

  int tokens() {
    return forward.tokens();
  }
}
