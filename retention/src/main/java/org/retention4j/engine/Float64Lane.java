package org.retention4j.engine;

import java.util.Arrays;

/** A lane in double precision, in plain loops: for proofs, not for speed. */
final class Float64Lane extends Lane {
  private double[] row = new double[64];
  private double[] second = new double[64];
  private double[] third = new double[64];

  Float64Lane(int index, Arena arena) {
    super(index, arena);
  }

  private double[] row(int n) {
    if (row.length < n) {
      row = new double[n];
    }
    return row;
  }

  private double[] second(int n) {
    if (second.length < n) {
      second = new double[Math.max(n, 2 * second.length)];
    }
    return second;
  }

  private double[] third(int n) {
    if (third.length < n) {
      third = new double[n];
    }
    return third;
  }

  @Override
  public Tile tile(int rows, int columns) {
    return Float64Tile.allocate(arena, rows, columns);
  }

  @Override
  public Product product(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    return new Float64Product(
        (Float64Tile) a, transposeA, (Float64Tile) b, transposeB, (Float64Tile) c, accumulate);
  }

  @Override
  public boolean load(
      Rows src, int batch, long token, int head, int n, double[] factors, Tile dst) {
    Float64Tile tile = (Float64Tile) dst;
    int width = tile.columns();
    double[] x = row(width);
    boolean finite = true;
    for (int i = 0; i < n; i++) {
      src.read(batch, token + i, head, x);
      double factor = factors == null ? 1 : factors[i];
      double[] to = tile.row(i);
      for (int j = 0; j < width; j++) {
        finite &= Double.isFinite(x[j]);
        to[tile.column() + j] = factor * x[j];
      }
    }
    zeroRows(tile, n);
    return finite;
  }

  private static void zeroRows(Float64Tile tile, int from) {
    for (int i = from; i < tile.rows(); i++) {
      Arrays.fill(tile.row(i), tile.column(), tile.column() + tile.columns(), 0);
    }
  }

  @Override
  public void store(Tile src, int n, double scale, Rows out, int batch, long token, int head) {
    Float64Tile tile = (Float64Tile) src;
    double[] x = row(tile.columns());
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < tile.columns(); j++) {
        x[j] = scale * tile.row(i)[tile.column() + j];
      }
      out.write(batch, token + i, head, x);
    }
  }

  @Override
  public void storeZeros(Rows out, int batch, long token, int head, int n) {
    double[] x = row(out.width());
    Arrays.fill(x, 0, out.width(), 0);
    for (int i = 0; i < n; i++) {
      out.write(batch, token + i, head, x);
    }
  }

  @Override
  public void scaleRows(Tile src, int n, double[] factors, Tile dst) {
    Float64Tile from = (Float64Tile) src;
    Float64Tile to = (Float64Tile) dst;
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < from.columns(); j++) {
        to.row(i)[to.column() + j] = factors[i] * from.row(i)[from.column() + j];
      }
    }
    zeroRows(to, n);
  }

  @Override
  public void causalDecay(Tile a, int n, double[] logDecay, boolean uniform) {
    Float64Tile tile = (Float64Tile) a;
    int c = tile.column();
    for (int i = 0; i < n; i++) {
      double[] x = tile.row(i);
      double sum = 0;
      for (int j = i - 1; j >= 0; j--) {
        sum = uniform ? (i - j) * logDecay[0] : sum + logDecay[j + 1];
        x[c + j] *= Math.exp(sum);
      }
      Arrays.fill(x, c + i + 1, c + tile.columns(), 0);
    }
    zeroRows(tile, n);
  }

  @Override
  public void addBandProduct(Tile a, Tile b, int n, int diagonal, int width, Tile c) {
    Float64Tile left = (Float64Tile) a;
    Float64Tile right = (Float64Tile) b;
    Float64Tile sum = (Float64Tile) c;
    for (int i = 0; i < n; i++) {
      int end = Math.min(i + diagonal + 1, right.rows());
      for (int j = Math.max(0, i + diagonal + 1 - width); j < end; j++) {
        double factor = left.row(i)[left.column() + j];
        for (int v = 0; v < right.columns(); v++) {
          sum.row(i)[sum.column() + v] += factor * right.row(j)[right.column() + v];
        }
      }
    }
  }

  @Override
  public void clear(Tile a) {
    zeroRows((Float64Tile) a, 0);
  }

  @Override
  public void readState(HeadState state, Tile dst) {
    Float64Head head = (Float64Head) state;
    Float64Tile tile = (Float64Tile) dst;
    for (int k = 0; k < head.keyWidth(); k++) {
      System.arraycopy(head.s[k], 0, tile.row(k), tile.column(), head.valueWidth());
    }
  }

  @Override
  public void decayAndAdd(HeadState state, double logDecay, Tile update, Tile mirror) {
    Float64Head head = (Float64Head) state;
    Float64Tile add = (Float64Tile) update;
    double amount = StateDecay.amount(logDecay);
    boolean isLoss = StateDecay.isLoss(logDecay);
    for (int k = 0; k < head.keyWidth(); k++) {
      double[] s = head.s[k];
      double[] x = add.row(k);
      for (int v = 0; v < s.length; v++) {
        s[v] = StateDecay.apply(amount, isLoss, s[v], x[add.column() + v]);
      }
    }
    if (mirror != null) {
      readState(state, mirror);
    }
  }

  @Override
  public void append(
      HeadState state, double logDecay, Rows k, Rows v, int batch, long token, int kvHead) {
    Float64Head head = (Float64Head) state;
    double[] key = row(head.keyWidth());
    double[] value = second(head.valueWidth());
    k.read(batch, token, kvHead, key);
    v.read(batch, token, kvHead, value);
    double amount = StateDecay.amount(logDecay);
    boolean isLoss = StateDecay.isLoss(logDecay);
    for (int i = 0; i < head.keyWidth(); i++) {
      addDecayed(head.s[i], amount, isLoss, key[i], value, head.valueWidth());
    }
  }

  private static void addDecayed(
      double[] s, double amount, boolean isLoss, double k, double[] v, int n) {
    for (int j = 0; j < n; j++) {
      s[j] = Math.fma(k, v[j], StateDecay.apply(amount, isLoss, s[j], 0));
    }
  }

  @Override
  public void readout(
      HeadState state, double scale, Rows q, Rows out, int batch, long token, int head) {
    Float64Head h = (Float64Head) state;
    double[] query = row(h.keyWidth());
    double[] sum = second(h.valueWidth());
    q.read(batch, token, head, query);
    Arrays.fill(sum, 0, h.valueWidth(), 0);
    for (int k = 0; k < h.keyWidth(); k++) {
      Float64Product.addScaled(query[k], h.s[k], sum, h.valueWidth());
    }
    for (int j = 0; j < h.valueWidth(); j++) {
      sum[j] *= scale;
    }
    out.write(batch, token, head, sum);
  }

  @Override
  public void rotate(
      Rows x, int batch, long token, int head, boolean interleaved, Angles angles, double factor) {
    double[] cos = angles.cos();
    double[] sin = angles.sin();
    int half = x.width() / 2;
    double[] r = row(x.width());
    x.read(batch, token, head, r);
    int step = interleaved ? 2 : 1;
    int partner = interleaved ? 1 : half;
    for (int i = 0; i < half; i++) {
      int at = i * step;
      double a = r[at];
      double b = r[at + partner];
      r[at] = (a * cos[i] - b * sin[i]) * factor;
      r[at + partner] = (b * cos[i] + a * sin[i]) * factor;
    }
    x.write(batch, token, head, r);
  }

  @Override
  public void scale(Rows x, int batch, long token, int head, double factor) {
    double[] r = row(x.width());
    x.read(batch, token, head, r);
    for (int i = 0; i < x.width(); i++) {
      r[i] *= factor;
    }
    x.write(batch, token, head, r);
  }

  @Override
  public void rmsNorm(
      Rows x,
      double factor,
      double[] weight,
      double eps,
      Rows gate,
      Rows out,
      int batch,
      long token,
      int head) {
    int n = x.width();
    double[] r = row(n);
    x.read(batch, token, head, r);
    for (int i = 0; i < n; i++) {
      r[i] *= factor;
    }
    double sum = sumOfSquares(r, n);
    double added = eps;
    if (Double.isInfinite(sum)) {
      // Squares leave the range of a double, and eps is nothing beside them.
      for (int i = 0; i < n; i++) {
        r[i] *= 0x1p-600;
      }
      sum = sumOfSquares(r, n);
      added = 0;
    }
    double inverse = 1 / Math.sqrt(sum / n + added);
    double[] g = third(n);
    if (gate != null) {
      gate.read(batch, token, head, g);
    }
    for (int i = 0; i < n; i++) {
      r[i] *= inverse * (weight == null ? 1 : weight[i]) * (gate == null ? 1 : g[i]);
    }
    out.write(batch, token, head, r);
  }

  private static double sumOfSquares(double[] x, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += x[i] * x[i];
    }
    return sum;
  }

  @Override
  public void multiply(Rows a, Rows b, int batch, long token, int head) {
    double[] x = row(a.width());
    double[] y = second(a.width());
    a.read(batch, token, head, x);
    b.read(batch, token, head, y);
    for (int i = 0; i < a.width(); i++) {
      x[i] *= y[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void add(Rows a, Rows b, int batch, long token, int head) {
    double[] x = row(a.width());
    double[] y = second(a.width());
    a.read(batch, token, head, x);
    b.read(batch, token, head, y);
    for (int i = 0; i < a.width(); i++) {
      x[i] += y[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void add(Rows a, double[] b, int batch, long token, int head) {
    double[] x = row(a.width());
    a.read(batch, token, head, x);
    for (int i = 0; i < a.width(); i++) {
      x[i] += b[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void embed(EmbeddingTable table, int index, double factor, Rows out, int b, long token) {
    double[] x = row(out.width());
    table.read(index, x);
    for (int i = 0; i < out.width(); i++) {
      x[i] *= factor;
    }
    out.write(b, token, 0, x);
  }

  @Override
  public void copy(
      Rows x, int batch, long token, int head, Rows out, int outBatch, long outToken, int outHead) {
    double[] r = row(x.width());
    x.read(batch, token, head, r);
    out.write(outBatch, outToken, outHead, r);
  }

  @Override
  public Product softmax(Tile a) {
    Float64Tile tile = (Float64Tile) a;
    return new Product() {
      @Override
      public void run() {
        for (int i = 0; i < tile.rows(); i++) {
          softmax(tile.row(i), tile.column(), tile.columns());
        }
      }

      @Override
      public String implementation() {
        return "java:float64";
      }
    };
  }

  private static void softmax(double[] x, int from, int n) {
    double max = Double.NEGATIVE_INFINITY;
    for (int j = from; j < from + n; j++) {
      max = Math.max(max, x[j]);
    }
    double sum = 0;
    for (int j = from; j < from + n; j++) {
      x[j] = Math.exp(x[j] - max);
      sum += x[j];
    }
    for (int j = from; j < from + n; j++) {
      x[j] /= sum;
    }
  }

  @Override
  public void fill(Tile a, int row, int from, int to, double value) {
    Float64Tile tile = (Float64Tile) a;
    Arrays.fill(tile.row(row), tile.column() + from, tile.column() + to, value);
  }

  @Override
  public void appendToCache(
      CacheHead cache, int position, Rows k, Rows v, int batch, long token, int kvHead) {
    double[] x = row(Math.max(cache.keyWidth(), cache.valueWidth()));
    k.read(batch, token, kvHead, x);
    for (int i = 0; i < cache.keyWidth(); i++) {
      cache.setKey(position, i, x[i]);
    }
    v.read(batch, token, kvHead, x);
    boolean finite = true;
    for (int i = 0; i < cache.valueWidth(); i++) {
      finite &= Double.isFinite(x[i]);
      cache.setValue(position, i, x[i]);
    }
    if (!finite) {
      cache.noteNonFinite(position);
    }
  }

  @Override
  public void loadKeys(CacheHead cache, int block, Tile dst) {
    copyRows(((DoubleRows) cache.keys(block)).rows(), (Float64Tile) dst);
  }

  @Override
  public void loadValues(CacheHead cache, int block, Tile dst) {
    copyRows(((DoubleRows) cache.values(block)).rows(), (Float64Tile) dst);
  }

  private static void copyRows(double[][] from, Float64Tile to) {
    for (int i = 0; i < from.length; i++) {
      System.arraycopy(from[i], 0, to.row(i), to.column(), to.columns());
    }
  }

  @Override
  public void attend(
      CacheHead cache,
      int from,
      int count,
      double scale,
      Rows q,
      Rows out,
      int batch,
      long token,
      int head) {
    double[] query = row(cache.keyWidth());
    double[] weights = second(count - from);
    double[] sum = third(cache.valueWidth());
    q.read(batch, token, head, query);
    for (int t = from; t < count; t++) {
      double[][] keys = ((DoubleRows) cache.keys(t / CacheHead.BLOCK)).rows();
      weights[t - from] = 0;
      for (int i = 0; i < cache.keyWidth(); i++) {
        weights[t - from] += scale * query[i] * keys[i][t % CacheHead.BLOCK];
      }
    }
    softmax(weights, 0, count - from);
    Arrays.fill(sum, 0, cache.valueWidth(), 0);
    for (int t = from; t < count; t++) {
      double[][] values = ((DoubleRows) cache.values(t / CacheHead.BLOCK)).rows();
      Float64Product.addScaled(
          weights[t - from], values[t % CacheHead.BLOCK], sum, cache.valueWidth());
    }
    out.write(batch, token, head, sum);
  }
}
