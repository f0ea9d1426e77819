package org.retention4j.internal.linear.onednn;

import org.bytedeco.dnnl.memory;
import org.bytedeco.javacpp.BytePointer;
import org.retention4j.internal.lanes.LaneScratch;

/**
 * Weights of some outputs as oneDNN's products of narrow rows with them read them (bf16 in pairs of
 * inputs, integers in fours) or, integers that are widened, as they are; and where it finds them:
 * in native memory of their own or, copied from the heap, in a lane's.
 */
public interface WeightsBlock {
  /** Returns the number of inputs. */
  int inputs();

  /** Returns the number of outputs. */
  int columns();

  /** Returns their layout, dims (inputs, columns). */
  memory.desc layout();

  /** Returns where they lie now, in a lane's scratch perhaps: valid until its next part. */
  BytePointer in(LaneScratch scratch);
}
