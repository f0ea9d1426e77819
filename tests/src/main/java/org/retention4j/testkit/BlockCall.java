package org.retention4j.testkit;

import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.BlockInput;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.reference.ReferenceBlock;

/**
 * What a block is asked to do.
 *
 * @param config shape and conventions
 * @param parameters the weights, of the activations' type
 * @param x (B,T,D), T may be 0, any strides
 * @param decay per token (B,T,H), or null for the configuration's
 * @param state S_0 (B,H,K,V), or null for zeros; not to be modified
 * @param positions (B) position of each row's first token, at least 0, or null for zeros
 * @param lengths (B) tokens of each row, 0…T, or null when every row has T
 * @since 0.1
 */
public record BlockCall(
    RetentionConfig config,
    RetentionParameters parameters,
    INDArray x,
    LogDecay decay,
    INDArray state,
    long[] positions,
    int[] lengths) {

  /** Returns what the library's own block reads. */
  public BlockInput input() {
    BlockInput all = BlockInput.of(x);
    BlockInput some = lengths == null ? all : all.withLengths(lengths);
    return decay == null ? some : some.withDecay(decay);
  }

  /** Returns what the plain float64 reference makes of this call with these weights. */
  public BlockResult reference(RetentionParameters weights) {
    ReferenceBlock.Result result =
        ReferenceBlock.forward(config, weights, x, decay, state, positions, lengths);
    return new BlockResult(result.output(), result.state());
  }

  /** Returns this call on another x. */
  public BlockCall withX(INDArray other) {
    return new BlockCall(config, parameters, other, decay, state, positions, lengths);
  }

  /** Returns this call with another log decay. */
  public BlockCall withDecay(LogDecay other) {
    return new BlockCall(config, parameters, x, other, state, positions, lengths);
  }

  /** Returns this call from another state, each row's first token at a position. */
  public BlockCall withState(INDArray other, long... at) {
    return new BlockCall(config, parameters, x, decay, other, at, lengths);
  }

  /** Returns this call with other lengths. */
  public BlockCall withLengths(int... other) {
    return new BlockCall(config, parameters, x, decay, state, positions, other);
  }

  /** Returns T. */
  public int tokens() {
    return (int) x.size(1);
  }

  /** Returns B. */
  public int batch() {
    return (int) x.size(0);
  }

  /** Returns tokens {@code from} to {@code to}, exclusive, from the same state and positions. */
  BlockCall tokens(int from, int to) {
    int[] part = lengths == null ? null : lengths.clone();
    for (int b = 0; part != null && b < part.length; b++) {
      part[b] = Math.max(0, Math.min(lengths[b], to) - from);
    }
    LogDecay cut =
        decay instanceof LogDecay.PerToken g
            ? LogDecay.perToken(Tensors.tokens(g.values(), from, to))
            : decay;
    return new BlockCall(
        config, parameters, Tensors.tokens(x, from, to), cut, state, positions, part);
  }

  /** Returns where each row stands after this call. */
  long[] endPositions() {
    long[] end = positions == null ? new long[batch()] : positions.clone();
    for (int b = 0; b < end.length; b++) {
      end[b] += lengths == null ? tokens() : lengths[b];
    }
    return end;
  }

  /** Returns one row of the batch alone. */
  BlockCall row(int b) {
    LogDecay cut =
        decay instanceof LogDecay.PerToken g
            ? LogDecay.perToken(Tensors.rows(g.values(), b, b + 1))
            : decay;
    return new BlockCall(
        config,
        parameters,
        Tensors.rows(x, b, b + 1),
        cut,
        state == null ? null : Tensors.rows(state, b, b + 1),
        positions == null ? null : new long[] {positions[b]},
        lengths == null ? null : new int[] {lengths[b]});
  }
}
