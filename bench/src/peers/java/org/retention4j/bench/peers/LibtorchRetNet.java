package org.retention4j.bench.peers;

import static org.bytedeco.pytorch.global.torch.cross_entropy_loss;
import static org.bytedeco.pytorch.global.torch.embedding;
import static org.bytedeco.pytorch.global.torch.matmul;
import static org.bytedeco.pytorch.global.torch.silu;

import java.util.Map;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The RetNet of this library in libtorch's operations, eager, with autograd: retention chunk by
 * chunk, all chunks of all heads and rows in one product each.
 */
final class LibtorchRetNet {
  private static final int CHUNK = 64;
  private static final double EPS = 1e-6;
  private static final double BASE = 10_000;

  private final PeerCase shape;
  private final Map<String, Tensor> weights;
  private final int chunks;
  private final Tensor cosines;
  private final Tensor sines;

  /** (H,1,C,C), scale·γ^(i−j) for j ≤ i. */
  private final Tensor mask;

  /** (H,1,C,1), scale·γ^(i+1). */
  private final Tensor incoming;

  /** (H,1,C,1), γ^(C−1−j). */
  private final Tensor outgoing;

  /** (H,n,n), γ^(C(n−1−m)) for m < n: states before chunks from what chunks add. */
  private final Tensor between;

  LibtorchRetNet(PeerCase shape, Map<String, Tensor> weights) {
    this.shape = shape;
    this.weights = weights;
    chunks = shape.tokens() / CHUNK;
    int half = shape.width() / shape.heads() / 2;
    cosines = table(shape.tokens(), half, (t, i) -> Math.cos(t * angle(i, half)));
    sines = table(shape.tokens(), half, (t, i) -> Math.sin(t * angle(i, half)));
    int heads = shape.heads();
    double scale = 1 / Math.sqrt(2.0 * half);
    mask =
        table(
                heads,
                CHUNK * CHUNK,
                (h, at) -> {
                  int behind = at / CHUNK - at % CHUNK;
                  return behind < 0 ? 0 : scale * Math.pow(decay(h), behind);
                })
            .view(heads, 1, CHUNK, CHUNK);
    incoming =
        table(heads, CHUNK, (h, i) -> scale * Math.pow(decay(h), i + 1)).view(heads, 1, CHUNK, 1);
    outgoing =
        table(heads, CHUNK, (h, j) -> Math.pow(decay(h), CHUNK - 1 - j)).view(heads, 1, CHUNK, 1);
    between =
        table(
                heads,
                chunks * chunks,
                (h, at) -> {
                  int behind = at / chunks - 1 - at % chunks;
                  return behind < 0 ? 0 : Math.pow(decay(h), CHUNK * behind);
                })
            .view(heads, chunks, chunks);
  }

  /** A number for a row and a column. */
  private interface Cell {
    double at(int row, int column);
  }

  private static Tensor table(int rows, int columns, Cell cell) {
    float[] all = new float[rows * columns];
    for (int i = 0; i < all.length; i++) {
      all[i] = (float) cell.at(i / columns, i % columns);
    }
    return Tensor.create(all, rows, columns);
  }

  private static double angle(int i, int half) {
    return Math.pow(BASE, -(double) i / half);
  }

  private static double decay(int head) {
    return 1 - Math.pow(2, -5 - head);
  }

  /** Returns the mean cross-entropy of tokens (B,T) and targets (B·T). */
  Tensor loss(Tensor tokens, Tensor targets) {
    Tensor x = embedding(weights.get("embedding"), tokens);
    for (int i = 0; i < shape.layers(); i++) {
      String prefix = "layers." + i + ".";
      x = x.add(retention(norm(x, prefix + "mixer norm"), prefix + "mixer."));
      x = x.add(feedForward(norm(x, prefix + "feed-forward norm"), prefix + "feed-forward."));
    }
    Tensor logits = linear(norm(x, "final norm"), "output");
    return cross_entropy_loss(
        logits.view((long) shape.rows() * shape.tokens(), PeerCase.VOCABULARY), targets);
  }

  private Tensor linear(Tensor x, String name) {
    return matmul(x, weights.get(name).t());
  }

  private Tensor norm(Tensor x, String name) {
    Tensor mean = x.mul(x).mean(new long[] {-1}, true, new org.bytedeco.pytorch.ScalarTypeOptional());
    return x.mul(mean.add(new Scalar(EPS)).rsqrt()).mul(weights.get(name));
  }

  private Tensor feedForward(Tensor x, String prefix) {
    return linear(
        silu(linear(x, prefix + "gate")).mul(linear(x, prefix + "up")), prefix + "down");
  }

  private Tensor retention(Tensor x, String prefix) {
    Tensor q = cut(rotate(split(linear(x, prefix + "query"))));
    Tensor k = cut(rotate(split(linear(x, prefix + "key"))));
    Tensor v = cut(split(linear(x, prefix + "value")));
    Tensor inside = matmul(matmul(q, k.transpose(-2, -1)).mul(mask), v);
    // (B,H,n,K,V)
    Tensor added = matmul(k.mul(outgoing).transpose(-2, -1), v);
    long b = shape.rows();
    long h = shape.heads();
    long key = shape.width() / h;
    Tensor states =
        matmul(between, added.view(b, h, chunks, 2 * key * key)).view(b, h, chunks, key, 2 * key);
    Tensor o = inside.add(matmul(q.mul(incoming), states)).view(b, h, shape.tokens(), 2 * key);
    Tensor normed = norm(o, prefix + "head norm").transpose(1, 2).reshape(b, shape.tokens(), -1);
    return linear(silu(linear(x, prefix + "gate")).mul(normed), prefix + "output");
  }

  /** (B,T,H·W) -> (B,H,T,W). */
  private Tensor split(Tensor x) {
    return x.view(shape.rows(), shape.tokens(), shape.heads(), -1).transpose(1, 2);
  }

  /** (B,H,T,W) -> (B,H,n,C,W). */
  private Tensor cut(Tensor x) {
    return x.reshape(shape.rows(), shape.heads(), chunks, CHUNK, -1);
  }

  private Tensor rotate(Tensor x) {
    long half = shape.width() / shape.heads() / 2;
    Tensor first = x.narrow(-1, 0, half);
    Tensor second = x.narrow(-1, half, half);
    return org.bytedeco.pytorch.global.torch.cat(
        new org.bytedeco.pytorch.TensorVector(
            first.mul(cosines).sub(second.mul(sines)), second.mul(cosines).add(first.mul(sines))),
        -1);
  }
}
