package org.retention4j.model.mixer;

import java.io.IOException;
import java.util.List;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.form.SequenceForm;
import org.retention4j.nn.MicroBatch;
import org.retention4j.nn.NamedWeights;
import org.retention4j.snapshot.SnapshotReader;

/**
 * The part of a decoder layer that lets tokens see earlier tokens. Immutable and shared.
 *
 * @since 0.1
 */
public interface TokenMixer extends AutoCloseable {
  /** Returns the configuration that made it. */
  MixerConfig config();

  /** Returns its weights by the names of {@link MixerConfig#weights}; they stay the mixer's. */
  NamedWeights weights();

  /**
   * Returns the state of a batch of sequences that have seen nothing.
   *
   * @param batch B, at least 1
   */
  MixerState newState(int batch, KvCacheOptions options);

  /** Returns a state with room for {@code capacity} tokens and no more. */
  default MixerState newState(int batch, int capacity) {
    return newState(batch, KvCacheOptions.preallocated(capacity));
  }

  /** Returns the tag of the sections that its states write and {@link #read} takes. */
  default String sectionTag() {
    throw new UnsupportedOperationException(
        "expected a mixer whose states can be saved, got " + this);
  }

  /**
   * Reads a state from a section of {@link #sectionTag} that was begun, with all rows of the
   * snapshot.
   *
   * @throws org.retention4j.snapshot.SnapshotException if it does not fit this mixer
   */
  default MixerState read(SnapshotReader from, KvCacheOptions options) throws IOException {
    throw new UnsupportedOperationException(
        "expected a mixer whose states can be saved, got " + this);
  }

  /**
   * Binds the mixer to tiles.
   *
   * @param form in which tokens are taken; a mixer that has but one takes no notice
   * @throws IllegalArgumentException for a form that the mixer does not know
   */
  MixerPlan bind(SequenceForm form, MicroBatch piece);

  /**
   * Computes the same in plain float64 on the values of its weights, one sequence from its
   * beginning.
   *
   * @param x (1,T,D)
   * @return outputs (1,T,D)
   */
  Outcome reference(INDArray x);

  /**
   * Returns parts of this mixer that can be held to plain float64 by themselves, before what comes
   * after them hides an error.
   *
   * @param x (1,T,D), what the mixer reads
   */
  default List<MixerTrial> trials(INDArray x) {
    return List.of();
  }

  /** Frees the weights once no step is running. */
  @Override
  void close();
}
