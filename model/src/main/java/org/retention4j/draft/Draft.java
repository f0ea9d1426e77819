package org.retention4j.draft;

/**
 * Guesses how a text goes on. It may be wrong as often as it likes: that costs time and changes no
 * token. For one text and one thread.
 *
 * @since 0.1
 */
public interface Draft extends AutoCloseable {
  /** Notes tokens that stand in the text now, behind those that were noted before. */
  void accept(int... tokens);

  /**
   * Guesses the tokens behind those that were noted.
   *
   * @param into receives them
   * @param most at most so many, at least 1 and at most the length of into
   * @return how many there are, 0 where nothing can be said
   */
  int propose(int[] into, int most);

  @Override
  void close();
}
