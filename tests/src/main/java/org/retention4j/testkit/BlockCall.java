package org.retention4j.testkit;

import java.util.Optional;
import java.util.function.UnaryOperator;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.BlockInput;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.reference.ReferenceBlock;

/**
 * What a block is asked to do.
 *
 * @param config shape and conventions
 * @param parameters the weights, of the activations' type
 * @param x (B,T,D), T may be 0, any strides
 * @param keyValues x_kv (B,T,D_kv), where the configuration has two streams
 * @param decay per token (B,T,H), if it is not the configuration's
 * @param state S_0 (B,H,K,V), not to be modified
 * @param positions (B) position of each row's first token, at least 0
 * @param lengths (B) tokens of each row, 0…T
 * @param resets where sequences begin inside the rows
 * @since 0.1
 */
public record BlockCall(
    RetentionConfig config,
    RetentionParameters parameters,
    INDArray x,
    Optional<INDArray> keyValues,
    Optional<LogDecay> decay,
    INDArray state,
    long[] positions,
    int[] lengths,
    Resets resets) {

  /** Returns what the library's own block reads. */
  public BlockInput input() {
    BlockInput input = BlockInput.of(x).withLengths(lengths).withResets(resets);
    BlockInput streams = keyValues.map(input::withKeyValues).orElse(input);
    return decay.map(streams::withDecay).orElse(streams);
  }

  /** Returns what the plain float64 reference makes of this call with these weights. */
  public BlockResult reference(RetentionParameters weights) {
    ReferenceBlock.Result result =
        ReferenceBlock.forward(config, weights, input(), state, positions);
    return new BlockResult(result.output(), result.state());
  }

  /** Returns this call on another x. */
  public BlockCall withX(INDArray other) {
    return new BlockCall(
        config, parameters, other, keyValues, decay, state, positions, lengths, resets);
  }

  /** Returns this call on another x_kv. */
  public BlockCall withKeyValues(INDArray other) {
    return new BlockCall(
        config, parameters, x, Optional.of(other), decay, state, positions, lengths, resets);
  }

  /** Returns this call without x_kv. */
  BlockCall withoutKeyValues() {
    return new BlockCall(
        config, parameters, x, Optional.empty(), decay, state, positions, lengths, resets);
  }

  /** Returns this call with its x_kv, if any, seen another way. */
  BlockCall withStream(UnaryOperator<INDArray> change) {
    return keyValues.map(array -> withKeyValues(change.apply(array))).orElse(this);
  }

  /** Returns this call with another log decay. */
  public BlockCall withDecay(LogDecay other) {
    return new BlockCall(
        config, parameters, x, keyValues, Optional.of(other), state, positions, lengths, resets);
  }

  /** Returns this call from another state, each row's first token at a position. */
  public BlockCall withState(INDArray other, long... at) {
    return new BlockCall(config, parameters, x, keyValues, decay, other, at, lengths, resets);
  }

  /** Returns this call with other resets. */
  public BlockCall withResets(Resets other) {
    return new BlockCall(config, parameters, x, keyValues, decay, state, positions, lengths, other);
  }

  /** Returns this call with other lengths. */
  public BlockCall withLengths(int... other) {
    return new BlockCall(config, parameters, x, keyValues, decay, state, positions, other, resets);
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
    int[] part = lengths.clone();
    for (int b = 0; b < part.length; b++) {
      part[b] = Math.max(0, Math.min(lengths[b], to) - from);
    }
    Optional<LogDecay> cut = perToken(g -> Tensors.tokens(g, from, to));
    return new BlockCall(
        config,
        parameters,
        Tensors.tokens(x, from, to),
        keyValues.map(array -> Tensors.tokens(array, from, to)),
        cut,
        state,
        positions,
        part,
        resets.tokens(from, to));
  }

  /** Returns the position of a token in its sequence. */
  long position(int row, int token) {
    for (int t = token; t >= 0; t--) {
      if (resets.at(row, t)) {
        return token - t;
      }
    }
    return positions[row] + token;
  }

  /** Returns where each row stands after this call. */
  long[] endPositions() {
    long[] end = new long[batch()];
    for (int b = 0; b < end.length; b++) {
      end[b] = lengths[b] == 0 ? positions[b] : position(b, lengths[b] - 1) + 1;
    }
    return end;
  }

  /** Returns the log decay, its values per token seen another way. */
  Optional<LogDecay> perToken(UnaryOperator<INDArray> cut) {
    return decay.map(
        d -> d instanceof LogDecay.PerToken g ? LogDecay.perToken(cut.apply(g.values())) : d);
  }

  /** Returns one row of the batch alone. */
  BlockCall row(int b) {
    Optional<LogDecay> cut = perToken(g -> Tensors.rows(g, b, b + 1));
    return new BlockCall(
        config,
        parameters,
        Tensors.rows(x, b, b + 1),
        keyValues.map(array -> Tensors.rows(array, b, b + 1)),
        cut,
        Tensors.rows(state, b, b + 1),
        new long[] {positions[b]},
        new int[] {lengths[b]},
        resets.row(b));
  }
}
