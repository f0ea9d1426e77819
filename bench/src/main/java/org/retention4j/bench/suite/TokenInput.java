package org.retention4j.bench.suite;

import java.nio.FloatBuffer;
import org.bytedeco.javacpp.FloatPointer;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;

/** The input (1,1,D) of a decoder, set token by token without allocating. */
final class TokenInput {
  private final SampleText text;
  private final float[][] table;
  private final INDArray array;
  private final FloatBuffer elements;
  private long position;

  TokenInput(SampleText text, float[][] table) {
    this.text = text;
    this.table = table;
    int width = table[0].length;
    array = Nd4j.createUninitialized(org.nd4j.linalg.api.buffer.DataType.FLOAT, 1, 1, width);
    FloatPointer pointer = new FloatPointer(array.data().addressPointer());
    elements = pointer.capacity(width).asBuffer();
    next();
  }

  INDArray array() {
    return array;
  }

  /** Puts the embedding of the text's next byte into the array. */
  void next() {
    elements.put(0, table[text.token(position++)]);
  }
}
