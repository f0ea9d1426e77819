package org.retention4j.model;

/** A mixer bound to its tiles; running it allocates nothing once it has seen its longest run. */
public interface MixerPass extends AutoCloseable {
  /**
   * Refuses what {@link #run} would refuse, also for more tokens than one run takes.
   *
   * @param counts (B) tokens of each row
   * @throws IllegalArgumentException if the memory is of another mixer, closed or too small
   */
  void check(MixerMemory memory, int[] counts);

  /**
   * Advances a memory over the tokens in x and writes y.
   *
   * @param memory made by the same mixer, of the bound batch
   * @param counts (B) tokens of each row, 0…N; outputs of other tokens are undefined
   * @throws IllegalArgumentException if the memory is of another mixer, closed or too small; it is
   *     untouched then
   */
  void run(MixerMemory memory, int[] counts);

  /** Returns the implementation of the products, as oneDNN names it. */
  String implementation();

  @Override
  void close();
}
