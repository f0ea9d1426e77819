package org.retention4j.internal.linear.vector;

/**
 * Products of fp32 rows with weights on the heap, see {@link VectorWeights}: an integer holds
 * {@link #inputs()} weights of one output.
 */
interface MatMulKernel {
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
   * Adds products of rows, four by four, with four groups.
   *
   * @param at the first group's first integer to be read
   * @param apart from there to that of the next group
   * @param x each four rows side by side: an input's four elements, then the next input's
   * @param from the first input's place in each
   * @param to where in sum their products begin, {@link VectorGeometry#SUMS} for four rows: a row's
   *     with one group behind those with the one before, then the next row's
   */
  void addFours(int[] w, int at, int apart, int steps, float[][] x, int from, float[] sum, int to);
}
