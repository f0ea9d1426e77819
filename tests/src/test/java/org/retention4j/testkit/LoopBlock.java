package org.retention4j.testkit;

import java.util.Arrays;
import org.junit.jupiter.api.extension.ExtendWith;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.Rotation;

/** A block as a user might write it around {@link LoopForm}, with a switch for each defect. */
@ExtendWith(DefectExtension.class)
class LoopBlock implements RetentionBlockContract {
  private final Defect defect;

  LoopBlock(Defect defect) {
    this.defect = defect;
  }

  @Override
  public DataType dataType() {
    return DataType.DOUBLE;
  }

  @Override
  public BlockResult forward(BlockCall call) {
    RetentionConfig c = call.config();
    check(call);
    int batch = call.batch();
    int tokens = call.tokens();
    INDArray q = project(call.x(), call.parameters().query(), c.heads(), c.keyWidth());
    INDArray k = project(call.x(), call.parameters().key(), c.kvHeads(), c.keyWidth());
    INDArray v = project(call.x(), call.parameters().value(), c.kvHeads(), c.valueWidth());
    q = rotate(q, call, 1);
    boolean scaled = c.scaleKeys() && defect != Defect.KEYS_UNSCALED;
    k = rotate(k, call, scaled ? 1 / Math.sqrt(c.keyWidth()) : 1);
    LogDecay decay = call.decay().orElse(c.decay().logDecay());
    double scale = c.scaleKeys() ? 1 : 1 / Math.sqrt(c.keyWidth());
    FormResult core =
        new LoopForm(defect)
            .advance(
                new FormCall(q, k, v, decay, scale, call.state(), call.lengths(), call.resets()));
    double[] o = Tensors.flat(core.output());
    double[] gate =
        call.parameters()
            .gate()
            .map(w -> Tensors.flat(project(call.x(), w, c.heads(), c.valueWidth())))
            .orElse(null);
    for (int i = 0; i < o.length / c.valueWidth(); i++) {
      int t = i / c.heads() % tokens;
      norm(
          o,
          gate,
          i * c.valueWidth(),
          i % c.heads(),
          call.position(i / c.heads() / tokens, t),
          call);
    }
    INDArray normed = Tensors.of(o, dataType(), batch, tokens, c.heads() * c.valueWidth());
    INDArray y = project(normed, call.parameters().output(), 1, c.modelWidth());
    y = Tensors.of(Tensors.flat(y), dataType(), batch, tokens, c.modelWidth());
    return new BlockResult(FormChecks.fillPadding(y, call.lengths(), 0), core.state());
  }

  private void check(BlockCall call) {
    RetentionConfig c = call.config();
    boolean fits = call.x().rank() == 3 && call.x().size(2) == c.modelWidth();
    fits &= call.x().dataType() == dataType();
    fits &= call.resets().fits(call.batch(), call.tokens());
    fits &= call.positions().length == call.batch();
    fits &= Arrays.stream(call.positions()).allMatch(p -> p >= 0);
    fits &= call.decay().filter(LogDecay.PerHead.class::isInstance).isEmpty();
    if (!fits) {
      throw new IllegalArgumentException("expected what fits the configuration");
    }
  }

  private INDArray project(INDArray x, INDArray w, int heads, int width) {
    double[] from = Tensors.flat(x);
    double[] weights = Tensors.flat(w);
    int in = (int) w.size(1);
    int out = heads * width;
    double[] y = new double[from.length / in * out];
    for (int i = 0; i < y.length; i++) {
      for (int j = 0; j < in; j++) {
        y[i] += from[i / out * in + j] * weights[i % out * in + j];
      }
    }
    return Tensors.of(y, dataType(), x.size(0), x.size(1), heads, width);
  }

  private INDArray rotate(INDArray rows, BlockCall call, double factor) {
    Rotation rotation = call.config().rotation();
    double[] x = Tensors.flat(rows);
    int width = (int) rows.size(3);
    int n = width / 2;
    int perToken = (int) rows.size(2) * width;
    for (int at = 0; at < x.length; at += width) {
      int b = at / (perToken * call.tokens());
      int t = at / perToken % call.tokens();
      double position =
          defect == Defect.RESET_FORGETS_THE_POSITION
              ? call.positions()[b] + t
              : call.position(b, t);
      if (defect == Defect.ROTATION_SHIFTED) {
        position++;
      } else if (defect == Defect.ROTATION_RESTARTS) {
        position -= call.positions()[b];
      }
      boolean half = rotation.layout() == Rotation.Layout.HALF;
      for (int i = 0; i < n && rotation.active(); i++) {
        int steps = rotation.schedule() == Rotation.Schedule.OPEN ? n : Math.max(1, n - 1);
        double a = position * Math.pow(rotation.base(), -(double) i / steps);
        int first = at + (half ? i : 2 * i);
        int second = half ? first + n : first + 1;
        double x1 = x[first];
        x[first] = x1 * Math.cos(a) - x[second] * Math.sin(a);
        x[second] = x[second] * Math.cos(a) + x1 * Math.sin(a);
      }
      for (int i = at; i < at + width; i++) {
        x[i] *= factor;
      }
    }
    return Tensors.of(x, dataType(), rows.shape());
  }

  private void norm(double[] o, double[] gate, int from, int head, long position, BlockCall call) {
    RetentionConfig c = call.config();
    double factor = 1;
    if (c.normaliseOutput()) {
      double g = c.decay().logDecay().of(head);
      double s = 0;
      for (long i = 0; i <= position + (defect == Defect.NORMALISER_SHIFTED ? 1 : 0); i++) {
        s += Math.exp(i * g);
      }
      factor = 1 / Math.sqrt(s);
    }
    double squares = 0;
    for (int i = from; i < from + c.valueWidth(); i++) {
      o[i] *= factor;
      squares += o[i] * o[i];
    }
    double rms = Math.sqrt(squares / c.valueWidth() + c.normEps());
    double[] weight = call.parameters().headNorm().orElse(null);
    for (int i = from; i < from + c.valueWidth(); i++) {
      o[i] *= (weight == null ? 1 : weight[i - from]) / rms;
      o[i] *= gate == null ? 1 : gate[i] / (1 + Math.exp(-gate[i]));
    }
  }
}
