package org.retention4j.verify;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.indexing.NDArrayIndex;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.model.Forms;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.Outcome;
import org.retention4j.model.stack.BoundLayer;
import org.retention4j.model.stack.DecoderLayer;

/**
 * A way through a sequence: its first tokens in one form at once, the others one by one in another.
 *
 * @param name as reports show it
 * @param form of the first tokens
 * @param atOnce how many those are, all where there are fewer
 * @param then form of the others
 * @since 0.1
 */
public record Way(String name, SequenceForm form, int atOnce, SequenceForm then) {
  /** Chunks that are short beside the texts of proofs: a state passes between many. */
  private static final int CHUNK = 16;

  /** Returns all tokens at once. */
  public static Way whole(SequenceForm form) {
    return new Way(form.name(), form, Integer.MAX_VALUE, form);
  }

  /** Returns all tokens one by one. */
  public static Way single(SequenceForm form) {
    return new Way(form.name(), form, 0, form);
  }

  /** Returns the three forms as they are used: whole, whole in short chunks, and one by one. */
  static List<Way> all() {
    List<Way> ways = new ArrayList<>();
    Forms.all(CHUNK)
        .forEach((name, form) -> ways.add(name.equals("recurrent") ? single(form) : whole(form)));
    return ways;
  }

  /** How a layer, or a part of it, is bound. */
  @FunctionalInterface
  private interface Binding {
    BoundLayer bind(SequenceForm form, INDArray x, MixerState state, INDArray y);
  }

  /**
   * Takes a layer through a sequence.
   *
   * @param x (1,T,D) of the engine's type
   */
  public Outcome layer(DecoderLayer layer, INDArray x) {
    return run(layer, layer::bind, x);
  }

  /**
   * Takes a layer's mixer through a sequence by itself.
   *
   * @param x (1,T,D) of the engine's type, what the mixer reads
   */
  public Outcome mixer(DecoderLayer layer, INDArray x) {
    return run(layer, layer::bindMixer, x);
  }

  private Outcome run(DecoderLayer layer, Binding binding, INDArray x) {
    int tokens = (int) x.size(1);
    INDArray y = Nd4j.create(x.dataType(), x.shape());
    try (MixerState state = layer.mixer().newState(1, tokens)) {
      int first = Math.min(atOnce, tokens);
      step(binding, form, x, state, y, 0, first);
      for (int t = first; t < tokens; t++) {
        step(binding, then, x, state, y, t, t + 1);
      }
      return new Outcome(y, state.toArray());
    }
  }

  private static void step(
      Binding binding,
      SequenceForm form,
      INDArray x,
      MixerState state,
      INDArray y,
      int from,
      int to) {
    if (from < to) {
      try (BoundLayer bound = binding.bind(form, part(x, from, to), state, part(y, from, to))) {
        bound.step();
      }
    }
  }

  private static INDArray part(INDArray x, int from, int to) {
    return x.get(NDArrayIndex.all(), NDArrayIndex.interval(from, to), NDArrayIndex.all());
  }
}
