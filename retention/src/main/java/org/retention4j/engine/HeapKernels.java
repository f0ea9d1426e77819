package org.retention4j.engine;

/**
 * Products of fp32 rows with weights on the heap, see {@link HeapMatrix}: an integer holds {@link
 * #inputs()} weights of one output.
 */
interface HeapKernels {
  /** Returns how many inputs an integer holds weights of. */
  int inputs();

  /**
   * Products of one row with eight groups.
   *
   * @param at where the first group begins in w
   * @param apart from the beginning of a group to that of the next of the eight; 0 for one group
   * @param steps integers of an output
   * @param x a row, at least as many elements as they are for
   * @param to where in sum the first group's products go
   * @param toApart from there to where the next group's go; 0 for one group
   */
  void multiplyEight(
      int[] w, int at, int apart, int steps, float[] x, float[] sum, int to, int toApart);

  /**
   * Adds products of four rows with four groups.
   *
   * @param at the first group's first integer to be read
   * @param x four rows side by side: an input's four elements, then the next input's
   * @param from the first input's place
   * @param to where in sum the first row's products with the first group are added
   * @param toApart from there to where those with the next group are
   * @param rowApart from where in sum a row's products go to where the next row's go
   */
  void addFour(
      int[] w,
      int at,
      int apart,
      int steps,
      float[] x,
      int from,
      float[] sum,
      int to,
      int toApart,
      int rowApart);
}
