package org.retention4j.testkit;

import java.util.Arrays;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.extension.ExtendWith;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;

/**
 * Retention as a user might write it: a plain loop in chunks of {@value #CHUNK} tokens, with a
 * switch for each thing that can go wrong. Without a defect it passes the contract.
 */
@ExtendWith(DefectExtension.class)
class LoopForm implements RetentionFormContract {
  private static final int CHUNK = 16;
  private static final double[] SHARED = new double[1 << 12];

  private final Defect defect;

  LoopForm(Defect defect) {
    this.defect = defect;
  }

  @Override
  public DataType dataType() {
    return DataType.DOUBLE;
  }

  @Override
  public FormResult advance(FormCall call) {
    if (defect != Defect.NOTHING_REFUSED) {
      LoopChecks.check(call, dataType());
    }
    long[] qs = call.q().shape();
    int batch = (int) qs[0];
    int tokens = (int) qs[1];
    int heads = (int) qs[2];
    int values = (int) call.v().size(3);
    double[] state = Tensors.flat(call.state());
    double[] output = new double[batch * tokens * heads * values];
    double[] incoming = state.clone();
    double[][] qkv = {Tensors.flat(call.q()), Tensors.flat(call.k()), Tensors.flat(call.v())};
    for (int b = 0; b < batch; b++) {
      for (int h = 0; h < heads; h++) {
        advanceHead(call, qkv, b, h, incoming, state, output);
      }
    }
    INDArray out = Tensors.of(output, dataType(), batch, tokens, heads, values);
    INDArray s = Tensors.of(state, dataType(), call.state().shape());
    if (defect == Defect.INPUT_STATE_MODIFIED) {
      call.state().assign(s);
    }
    return new FormResult(out, s);
  }

  private void advanceHead(
      FormCall call,
      double[][] qkv,
      int b,
      int h,
      double[] incoming,
      double[] state,
      double[] output) {
    int batch = (int) call.q().size(0);
    int tokens = call.tokens();
    int heads = (int) call.q().size(2);
    int kvHeads = (int) call.k().size(2);
    int keys = (int) call.q().size(3);
    int values = (int) call.v().size(3);
    double[] q = qkv[0];
    double[] k = qkv[1];
    double[] v = qkv[2];
    int size = keys * values;
    int from = (b * heads + h) * size;
    double[] s = defect == Defect.SHARED_SCRATCH ? SHARED : new double[size];
    int row = defect == Defect.STATE_OF_ANOTHER_ROW ? (b + 1) % batch : b;
    System.arraycopy(incoming, (row * heads + h) * size, s, 0, size);
    if (defect == Defect.STATE_NOT_CARRIED) {
      Arrays.fill(s, 0);
    }
    double scale = defect == Defect.SCALE_LOST ? 1 : call.scale();
    int length = call.lengths()[b];
    boolean multiplies = defect == Defect.PADDING_IS_MULTIPLIED_AWAY;
    int last = defect == Defect.PADDING_DECAYS || multiplies ? tokens : length;
    for (int t = 0; t < last; t++) {
      if (defect == Defect.SHARED_SCRATCH) {
        // Whoever else is calling gets in between, however fast the processor is.
        LockSupport.parkNanos(1);
      }
      double mask = t < length ? 1 : 0;
      double gamma = t < length || !multiplies ? gamma(call, b, t, h) : 1;
      int kAt = ((b * tokens + t) * kvHeads + h / (heads / kvHeads)) * keys;
      int vAt = ((b * tokens + t) * kvHeads + h / (heads / kvHeads)) * values;
      int qAt = ((b * tokens + t) * heads + h) * keys;
      int oAt = ((b * tokens + t) * heads + h) * values;
      double[] old = s.clone();
      boolean reset = t < length && resets(call, b, t, h);
      for (int i = 0; i < size; i++) {
        s[i] = reset ? kept(i, size, s[i]) : s[i] * gamma;
        if (t < length || multiplies) {
          s[i] += mask * k[kAt + i / values] * v[vAt + i % values];
        }
      }
      for (int i = 0; i < size && t < length; i++) {
        double read = defect == Defect.OUTPUT_BEFORE_UPDATE ? old[i] : s[i];
        boolean wrong = defect == Defect.ONE_TOKEN_WRONG && t == 40 && i % values == 0;
        double off = wrong ? 1 + 1e-10 : 1;
        output[oAt + i % values] += scale * q[qAt + i / values] * read * off;
      }
      boolean leaks = defect == Defect.FUTURE_LEAKS && t + 1 < length;
      if (leaks || (defect == Defect.NAN_OF_THE_FUTURE_LEAKS && t + 1 < length)) {
        int next = vAt + kvHeads * values;
        for (int i = 0; i < values; i++) {
          output[oAt + i] += (leaks ? 1e-3 : 0) * v[next + i];
        }
      }
      if (defect == Defect.STATE_ONE_TOKEN_SHORT && t == length - 1) {
        s = old;
      }
    }
    int partial = length % CHUNK;
    if (defect == Defect.WHOLE_CHUNK_DECAY_ON_A_PARTIAL_ONE && partial != 0 && length > 0) {
      double more = Math.pow(gamma(call, b, length - 1, h), CHUNK - partial);
      for (int i = 0; i < size; i++) {
        s[i] *= more;
      }
    }
    System.arraycopy(s, 0, state, from, size);
  }

  private boolean resets(FormCall call, int b, int t, int h) {
    if (defect == Defect.RESET_AT_A_CHUNK_BORDER_IS_MISSED && t % CHUNK == 0) {
      return false;
    }
    return call.resets().at(b, t)
        || (call.decay() instanceof LogDecay.PerToken g
            && g.values().getDouble(b, t, h) == Double.NEGATIVE_INFINITY);
  }

  private double kept(int i, int size, double s) {
    return switch (defect) {
      case RESET_KEEPS_THE_TAIL -> i == size - 1 ? s : 0;
      case RESET_MULTIPLIES_AWAY -> 0 * s;
      default -> 0;
    };
  }

  private double gamma(FormCall call, int b, int t, int h) {
    int heads = (int) call.q().size(2);
    int head = defect == Defect.GAMMA_OF_ANOTHER_HEAD ? (h + 1) % heads : h;
    double g =
        call.decay() instanceof LogDecay.PerHead constant
            ? constant.of(head)
            : ((LogDecay.PerToken) call.decay()).values().getDouble(b, t, head);
    double gamma = Math.exp(g);
    return switch (defect) {
      case DECAY_DROPPED -> 1;
      case GAMMA_ROUNDED_TO_FP32 -> (float) gamma;
      default -> gamma;
    };
  }
}
