package org.retention4j.testkit;

import java.util.Arrays;
import java.util.Optional;
import org.junit.jupiter.api.extension.ExtendWith;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.core.LogDecay;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionConfig.Projection;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.Rotation;
import org.retention4j.engine.ops.Activation;
import org.retention4j.nn.NormKind;

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
    RetentionParameters p = call.parameters();
    boolean first =
        defect == Defect.KEYS_OF_THE_WRONG_STREAM && call.x().size(2) == p.key().size(1);
    INDArray stream = first ? call.x() : call.keyValues().orElse(call.x());
    INDArray q = project(call.x(), p.query(), c.heads(), c.keyWidth());
    INDArray k = project(stream, p.key(), c.kvHeads(), c.keyWidth());
    INDArray v = project(stream, p.value(), c.kvHeads(), c.valueWidth());
    q = norm(map(q, p.bias(Projection.QUERY), c.featureMap()), p.vector("query norm"), c);
    k = map(k, p.bias(Projection.KEY), c.featureMap());
    k = defect == Defect.KEYS_UNNORMED ? k : norm(k, p.vector("key norm"), c);
    boolean unmapped = defect == Defect.VALUES_UNMAPPED;
    v = map(v, p.bias(Projection.VALUE), unmapped ? Activation.NONE : c.valueMap());
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
    int channels = c.heads() * c.valueWidth();
    for (int i = 0; i < o.length / c.valueWidth(); i++) {
      int t = i / c.heads() % tokens;
      long position = call.position(i / c.heads() / tokens, t);
      normalise(o, i * c.valueWidth(), i % c.heads(), position, c);
    }
    for (int token = 0; token < batch * tokens; token++) {
      norm(o, token * channels, call);
    }
    if (c.gate() != Activation.NONE) {
      INDArray z = project(call.x(), p.gate().orElseThrow(), c.heads(), c.valueWidth());
      boolean other = defect == Defect.GATE_OF_ANOTHER_FUNCTION;
      Activation a = other ? Activation.SILU : c.gate();
      double[] gate = Tensors.flat(map(z, p.bias(Projection.GATE), a));
      for (int i = 0; i < o.length; i++) {
        o[i] *= gate[i];
      }
    }
    INDArray normed = Tensors.of(o, dataType(), batch, tokens, channels);
    INDArray y = project(normed, p.output(), 1, c.modelWidth());
    y = map(y, p.bias(Projection.OUTPUT), Activation.NONE);
    y = Tensors.of(Tensors.flat(y), dataType(), batch, tokens, c.modelWidth());
    return new BlockResult(FormChecks.fillPadding(y, call.lengths(), 0), core.state());
  }

  /** f(x + bias), a bias for each channel of all heads. */
  private INDArray map(INDArray rows, Optional<double[]> bias, Activation f) {
    double[] x = Tensors.flat(rows);
    for (int i = 0; i < x.length; i++) {
      if (bias.isPresent() && defect != Defect.BIAS_FORGOTTEN) {
        x[i] += bias.get()[i % bias.get().length];
      }
      double sigmoid = 1 / (1 + Math.exp(-x[i]));
      if (f == Activation.SILU) {
        x[i] *= sigmoid;
      } else if (f == Activation.SIGMOID) {
        x[i] = sigmoid;
      } else if (f == Activation.RELU) {
        x[i] = Math.max(x[i], 0);
      }
    }
    return Tensors.of(x, dataType(), rows.shape());
  }

  /** RMSNorm of each head's K channels, if there is a weight. */
  private INDArray norm(INDArray rows, Optional<double[]> weight, RetentionConfig c) {
    if (weight.isEmpty()) {
      return rows;
    }
    double[] x = Tensors.flat(rows);
    for (int at = 0; at < x.length; at += c.keyWidth()) {
      double squares = 0;
      for (int i = at; i < at + c.keyWidth(); i++) {
        squares += x[i] * x[i] / c.keyWidth();
      }
      for (int i = at; i < at + c.keyWidth(); i++) {
        x[i] = x[i] * weight.get()[i - at] / Math.sqrt(squares + c.normEps());
      }
    }
    return Tensors.of(x, dataType(), rows.shape());
  }

  private void check(BlockCall call) {
    RetentionConfig c = call.config();
    boolean fits = call.x().rank() == 3 && call.x().size(2) == c.modelWidth();
    fits &= call.x().dataType() == dataType();
    fits &= call.keyValues().isPresent() == c.twoStreams();
    if (fits && c.twoStreams()) {
      INDArray stream = call.keyValues().orElseThrow();
      long[] shape = {call.batch(), call.tokens(), c.keyValueInput()};
      fits = Arrays.equals(stream.shape(), shape) && stream.dataType() == dataType();
    }
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
    boolean all = rotation.channels() == Rotation.ALL || defect == Defect.ALL_CHANNELS_ROTATED;
    int n = (all ? width : rotation.channels()) / 2;
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

  private void normalise(double[] o, int from, int head, long position, RetentionConfig c) {
    if (!c.normaliseOutput()) {
      return;
    }
    double g = c.decay().logDecay().of(head);
    double s = 0;
    for (long i = 0; i <= position + (defect == Defect.NORMALISER_SHIFTED ? 1 : 0); i++) {
      s += Math.exp(i * g);
    }
    for (int i = from; i < from + c.valueWidth(); i++) {
      o[i] /= Math.sqrt(s);
    }
  }

  /** The norm over the groups of one token's channels. */
  private void norm(double[] o, int token, BlockCall call) {
    RetentionConfig c = call.config();
    int channels = c.heads() * c.valueWidth();
    boolean wrong = defect == Defect.NORM_OVER_THE_WRONG_GROUP;
    int size = wrong ? c.valueWidth() : channels / c.normGroups();
    double[] weight = call.parameters().vector("head norm").orElse(new double[] {1});
    double[] bias = call.parameters().vector("head norm bias").orElse(new double[] {0});
    for (int from = token; from < token + channels; from += size) {
      double mean = 0;
      for (int i = from; i < from + size; i++) {
        mean += o[i] / size;
      }
      if (c.norm().kind() == NormKind.RMS || defect == Defect.MEAN_KEPT) {
        mean = 0;
      }
      double squares = 0;
      for (int i = from; i < from + size; i++) {
        o[i] -= mean;
        squares += o[i] * o[i];
      }
      double root = Math.sqrt(squares / size + c.normEps());
      for (int i = from; i < from + size; i++) {
        int channel = i - token;
        o[i] = o[i] / root * weight[channel % weight.length] + bias[channel % bias.length];
      }
    }
  }
}
