package org.retention4j.testkit;

import java.util.Arrays;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;

/** The argument checks of {@link LoopForm}. */
final class LoopChecks {
  private LoopChecks() {}

  static void check(FormCall call, DataType type) {
    for (INDArray array : new INDArray[] {call.q(), call.k(), call.v(), call.state()}) {
      require(array.rank() == 4 && array.dataType() == type, "rank 4 and type " + type);
    }
    long[] q = call.q().shape();
    long[] k = call.k().shape();
    long[] v = call.v().shape();
    require(Arrays.equals(k, new long[] {q[0], q[1], k[2], q[3]}), "k like q");
    require(Arrays.equals(v, new long[] {q[0], q[1], k[2], v[3]}), "v like k");
    require(q[2] % k[2] == 0, "a group of heads");
    long[] state = {q[0], q[2], q[3], v[3]};
    require(Arrays.equals(call.state().shape(), state), "a state of shape (B,H,K,V)");
    require(Double.isFinite(call.scale()), "a finite scale");
    require(call.resets().fits(q[0], q[1]), "resets (B,T)");
    require(call.lengths().length == q[0], "B lengths");
    for (int length : call.lengths()) {
      require(length >= 0 && length <= q[1], "lengths in 0..T");
    }
    if (call.decay() instanceof LogDecay.PerHead constant) {
      require(constant.heads() == q[2], "H decays");
      return;
    }
    INDArray g = ((LogDecay.PerToken) call.decay()).values();
    require(Arrays.equals(g.shape(), new long[] {q[0], q[1], q[2]}), "decays (B,T,H)");
    for (int b = 0; b < q[0]; b++) {
      int length = call.lengths()[b];
      for (int t = 0; t < length; t++) {
        for (int h = 0; h < q[2]; h++) {
          double x = g.getDouble(b, t, h);
          require(x <= 0, "decays <= 0, or -Infinity");
        }
      }
    }
  }

  private static void require(boolean fits, String what) {
    if (!fits) {
      throw new IllegalArgumentException("expected " + what);
    }
  }
}
