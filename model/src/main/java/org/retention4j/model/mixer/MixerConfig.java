package org.retention4j.model.mixer;

import java.util.List;
import org.retention4j.core.form.MicroBatches;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/**
 * The shape and conventions of a token mixer: what it asks for, what it will take, and the mixer
 * itself. Immutable; equal by its parts.
 *
 * @since 0.1
 */
public interface MixerConfig {
  /** Returns what kind of mixer it is, in a word that reports show. */
  String kind();

  /** Returns all that changes the mathematics, in words. */
  String describe();

  /**
   * Returns all that changes the mathematics, to the last digit, in a text that stays the same from
   * version to version: fingerprints of models are made of it. What is added later stands in it
   * only where it is not at its default.
   */
  default String identity() {
    return describe();
  }

  /**
   * Returns lines of a report on what follows from its shape: what it remembers, say. Mixers of
   * which nothing is to be said return none.
   *
   * @param vocabulary the number of tokens of the model, at least 1
   */
  default List<String> details(int vocabulary) {
    return List.of();
  }

  /** Returns the width D of its inputs and outputs. */
  int modelWidth();

  /** Returns the weights it asks for, in the order in which they are drawn and written. */
  List<WeightSpec> weights();

  /** Returns the number of weights. */
  default long parameters() {
    return weights().stream().mapToLong(WeightSpec::elements).sum();
  }

  /**
   * Returns into which micro-batches a sequence may be cut.
   *
   * @param form as for {@link TokenMixer#bind}
   */
  MicroBatches microBatches(SequenceForm form);

  /** Returns the numbers of one sequence's state, at any length; 0 where it has none. */
  long stateElements();

  /**
   * Returns how many numbers of keys and values the next token of one sequence sees.
   *
   * @param length tokens so far, at least 0
   * @return 0 where nothing grows with the length
   */
  double cacheElements(double length);

  /**
   * Returns the bytes of one sequence's state.
   *
   * @param type of the engine
   * @param length tokens so far, at least 0
   */
  StateSize stateSize(ElementType type, KvCacheOptions options, long length);

  /**
   * Returns the floating-point operations of a prompt but for the products with weights, a
   * multiply-add counted as two: those of the arrangement for prompts, without what lies above the
   * diagonal.
   *
   * @param tokens T
   */
  double coreFlops(int tokens);

  /**
   * Creates the mixer.
   *
   * @param source asked for each of {@link #weights} once, in order
   * @throws IllegalArgumentException if a weight does not fit
   */
  TokenMixer create(WeightSource source);
}
