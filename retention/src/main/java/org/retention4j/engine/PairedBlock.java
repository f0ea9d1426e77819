package org.retention4j.engine;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;

/**
 * bf16 weights of some outputs in pairs of inputs, as products of bf16 with bf16 read them, and
 * where oneDNN finds them: in native memory of their own or, copied from the heap, in a lane's.
 */
interface PairedBlock {
  /** Returns the number of inputs. */
  int inputs();

  /** Returns the number of outputs. */
  int columns();

  /** Returns their layout, dims (inputs, columns). */
  memory.desc layout();

  /** Returns where they lie now, in a lane's scratch perhaps: valid until its next part. */
  BytePointer in(Float32Lane lane);
}
