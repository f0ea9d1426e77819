package org.retention4j.train.pass;

/**
 * What a mixer's configuration also is when it brings its own pass: a mixer that {@code train} does
 * not know is trained by it, in the same stack.
 */
public interface TrainableMixer {
  /**
   * Binds the pass.
   *
   * @param parameters of the whole model
   * @param prefix of the names of its own
   * @param ends where it reads and writes; x may be of bf16 where products are, and is read by
   *     {@link PassContext#products} or as rows
   */
  MixerPass trainingPass(PassContext context, Parameters parameters, String prefix, Ends ends);
}
