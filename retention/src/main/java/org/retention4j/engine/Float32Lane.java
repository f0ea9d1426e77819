package org.retention4j.engine;

import java.util.Arrays;

/** A lane over native tiles, with oneDNN products and element-wise work on heap rows. */
final class Float32Lane extends Lane {
  /**
   * Decay factors below this count as 0 beside the rounding of fp32: what they would give are
   * subnormal numbers, which slow a product down tenfold.
   */
  private static final double NEGLIGIBLE = 0x1p-120;

  /** A sum of squares up to here is not infinite, and its root's inverse is not subnormal. */
  private static final float LARGEST_SUM = 0x1p125f;

  private final Kernels kernels;

  /** Heap rows, grown when tiles or rows are wider; one is in use at a time per role. */
  private final FloatRoom row = new FloatRoom();

  private final FloatRoom second = new FloatRoom();
  private final FloatRoom factorRow = new FloatRoom();
  private final FloatRoom coefficients = new FloatRoom();
  private final FloatRoom narrowNormWeight = new FloatRoom();

  /** Whose elements stand in narrowNormWeight. */
  private double[] normWeight;

  private final CacheAttention attention;
  private final PartScratch parts;
  private final float[] pendingCoefficients = new float[Float32Head.CAPACITY];

  Float32Lane(int index, Arena arena, Kernels kernels) {
    super(index, arena);
    this.kernels = kernels;
    attention = new CacheAttention(kernels);
    parts = new PartScratch(arena, kernels);
  }

  private static float factor(double decay) {
    return decay < NEGLIGIBLE ? 0f : (float) decay;
  }

  private float[] row(int n) {
    return row.atLeast(n);
  }

  private float[] second(int n) {
    return second.atLeast(n);
  }

  /** Returns what the parts of projections work with. */
  PartScratch parts() {
    return parts;
  }

  @Override
  public Tile tile(int rows, int columns) {
    return Float32Tile.allocate(arena, rows, columns);
  }

  @Override
  public Product product(
      Tile a, boolean transposeA, Tile b, boolean transposeB, Tile c, boolean accumulate) {
    return OneDnn.product(
        arena,
        OneDnn.Matrix.of((Float32Tile) a, transposeA),
        OneDnn.Matrix.of((Float32Tile) b, transposeB),
        OneDnn.Matrix.of((Float32Tile) c, false),
        accumulate ? OneDnn.PostOp.ACCUMULATE : OneDnn.PostOp.NONE);
  }

  @Override
  public boolean load(
      Rows src, int batch, long token, int head, int n, double[] factors, Tile dst) {
    Float32Tile tile = (Float32Tile) dst;
    int width = tile.columns();
    float[] x = row(width);
    boolean finite = true;
    for (int i = 0; i < n; i++) {
      src.read(batch, token + i, head, x);
      finite &= kernels.allFinite(x, width);
      if (factors != null) {
        kernels.scale(x, width, factor(factors[i]));
      }
      tile.write(i, x, width);
    }
    zeroRows(tile, n);
    return finite;
  }

  private void zeroRows(Float32Tile tile, int from) {
    if (from < tile.rows()) {
      float[] x = row(tile.columns());
      Arrays.fill(x, 0, tile.columns(), 0f);
      for (int i = from; i < tile.rows(); i++) {
        tile.write(i, x, tile.columns());
      }
    }
  }

  @Override
  public void store(Tile src, int n, double scale, Rows out, int batch, long token, int head) {
    Float32Tile tile = (Float32Tile) src;
    int width = tile.columns();
    float[] x = row(width);
    for (int i = 0; i < n; i++) {
      tile.read(i, x, width);
      kernels.scale(x, width, (float) scale);
      out.write(batch, token + i, head, x);
    }
  }

  @Override
  public void storeZeros(Rows out, int batch, long token, int head, int n) {
    float[] x = row(out.width());
    Arrays.fill(x, 0, out.width(), 0f);
    for (int i = 0; i < n; i++) {
      out.write(batch, token + i, head, x);
    }
  }

  @Override
  public void scaleRows(Tile src, int n, double[] factors, Tile dst) {
    Float32Tile from = (Float32Tile) src;
    Float32Tile to = (Float32Tile) dst;
    int width = from.columns();
    float[] x = row(width);
    for (int i = 0; i < n; i++) {
      from.read(i, x, width);
      kernels.scale(x, width, factor(factors[i]));
      to.write(i, x, width);
    }
    zeroRows(to, n);
  }

  @Override
  public void causalDecay(Tile a, int n, double[] logDecay, boolean uniform) {
    Float32Tile tile = (Float32Tile) a;
    int width = tile.columns();
    float[] x = row(width);
    float[] factors = factorRow.atLeast(width);
    float[] byDistance = second(width);
    if (uniform) {
      for (int d = 0; d < n; d++) {
        byDistance[n - 1 - d] = factor(Math.exp(d * logDecay[0]));
      }
    }
    for (int i = 0; i < n; i++) {
      tile.read(i, x, width);
      if (uniform) {
        System.arraycopy(byDistance, n - 1 - i, factors, 0, i + 1);
      } else {
        double sum = 0;
        for (int j = i; j >= 0; j--) {
          factors[j] = factor(Math.exp(sum));
          sum += logDecay[j];
        }
      }
      kernels.multiply(x, factors, i + 1);
      Arrays.fill(x, i + 1, width, 0f);
      tile.write(i, x, width);
    }
    zeroRows(tile, n);
  }

  @Override
  public void addBandProduct(Tile a, Tile b, int n, int diagonal, int width, Tile c) {
    Float32Tile left = (Float32Tile) a;
    Float32Tile right = (Float32Tile) b;
    Float32Tile sum = (Float32Tile) c;
    float[] x = row(right.columns());
    float[] y = second(right.columns());
    float[] factors = coefficients.atLeast(left.columns());
    for (int i = 0; i < n; i++) {
      int end = Math.min(i + diagonal + 1, right.rows());
      left.read(i, factors, Math.max(0, end));
      sum.read(i, y, right.columns());
      for (int j = Math.max(0, i + diagonal + 1 - width); j < end; j++) {
        right.read(j, x, right.columns());
        for (int v = 0; v < right.columns(); v++) {
          y[v] = Math.fma(factors[j], x[v], y[v]);
        }
      }
      sum.write(i, y, right.columns());
    }
  }

  @Override
  public void clear(Tile a) {
    zeroRows((Float32Tile) a, 0);
  }

  @Override
  public void readState(HeadState state, Tile dst) {
    Float32Head head = (Float32Head) state;
    head.fold(kernels);
    Float32Tile tile = (Float32Tile) dst;
    for (int k = 0; k < head.keyWidth(); k++) {
      tile.writeFrom(k, head.rows().array(k), head.rows().start(k), head.valueWidth());
    }
  }

  @Override
  public void decayAndAdd(HeadState state, double logDecay, Tile update, Tile mirror) {
    Float32Head head = (Float32Head) state;
    Float32Tile add = (Float32Tile) update;
    Float32Tile copy = (Float32Tile) mirror;
    int width = head.valueWidth();
    float[] x = row(width);
    float amount = (float) StateDecay.amount(logDecay);
    boolean isLoss = StateDecay.isLoss(logDecay);
    float[][] rows = head.rows(kernels);
    for (int k = 0; k < head.keyWidth(); k++) {
      add.read(k, x, width);
      kernels.decayAndAdd(rows, k, width, amount, isLoss, x);
      if (copy != null) {
        copy.writeFrom(k, head.rows().array(k), head.rows().start(k), width);
      }
    }
  }

  @Override
  public void append(
      HeadState state, double logDecay, Rows k, Rows v, int batch, long token, int kvHead) {
    Float32Head head = (Float32Head) state;
    int i = head.append(logDecay, kernels);
    k.read(batch, token, kvHead, head.pendingKeys[i]);
    v.read(batch, token, kvHead, head.pendingValues[i]);
  }

  @Override
  public void readout(
      HeadState state, double scale, Rows q, Rows out, int batch, long token, int head) {
    Float32Head h = (Float32Head) state;
    int keyWidth = h.keyWidth();
    int valueWidth = h.valueWidth();
    float[] query = row(keyWidth);
    float[] sum = second(valueWidth);
    q.read(batch, token, head, query);
    int pending = h.pending();
    for (int i = 0; i < pending; i++) {
      double score = kernels.dot(query, h.pendingKeys[i], keyWidth);
      pendingCoefficients[i] = (float) (score * Math.exp(h.decaySince(i)));
    }
    Arrays.fill(sum, 0, valueWidth, 0f);
    kernels.scale(query, keyWidth, (float) Math.exp(h.decaySinceFold()));
    kernels.addRows(h.rows(kernels), keyWidth, valueWidth, query, sum);
    kernels.addEach(h.pendingValues, pendingCoefficients, pending, sum, valueWidth);
    kernels.scale(sum, valueWidth, (float) scale);
    out.write(batch, token, head, sum);
    if (h.full()) {
      // The state has just been read and lies in the cache: folding now saves reading it again.
      h.fold(kernels);
    }
  }

  @Override
  public void rotate(
      Rows x, int batch, long token, int head, boolean interleaved, Angles angles, double factor) {
    int half = x.width() / 2;
    float[] r = row(x.width());
    x.read(batch, token, head, r);
    if (interleaved) {
      rotatePairs(r, half, angles.narrowCos(), angles.narrowSin(), (float) factor);
    } else {
      kernels.rotateHalves(r, half, angles.narrowCos(), angles.narrowSin(), (float) factor);
    }
    x.write(batch, token, head, r);
  }

  private static void rotatePairs(float[] x, int half, float[] cos, float[] sin, float factor) {
    for (int i = 0; i < half; i++) {
      float a = x[2 * i];
      float b = x[2 * i + 1];
      x[2 * i] = (a * cos[i] - b * sin[i]) * factor;
      x[2 * i + 1] = (b * cos[i] + a * sin[i]) * factor;
    }
  }

  @Override
  public void scale(Rows x, int batch, long token, int head, double factor) {
    float[] r = row(x.width());
    x.read(batch, token, head, r);
    kernels.scale(r, x.width(), (float) factor);
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
    float[] r = row(n);
    x.read(batch, token, head, r);
    float sum = kernels.sumOfSquares(r, n);
    if (sum > LARGEST_SUM) {
      normalizeWide(r, n, factor, eps);
    } else {
      double mean = (double) sum * factor * factor / n;
      kernels.scale(r, n, (float) (factor / Math.sqrt(mean + eps)));
    }
    if (weight != null) {
      kernels.multiply(r, narrow(weight, n), n);
    }
    if (gate != null) {
      float[] g = second(n);
      gate.read(batch, token, head, g);
      kernels.multiply(r, g, n);
    }
    out.write(batch, token, head, r);
  }

  /** x ← factor·x / √(mean((factor·x)²) + eps) where squares leave the range of fp32. */
  private static void normalizeWide(float[] x, int n, double factor, double eps) {
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += (double) x[i] * x[i];
    }
    double multiplier = factor / Math.sqrt(sum * factor * factor / n + eps);
    for (int i = 0; i < n; i++) {
      x[i] = (float) (x[i] * multiplier);
    }
  }

  /** Many norms with the same weights follow each other. */
  private float[] narrow(double[] weight, int n) {
    if (normWeight != weight) {
      float[] to = narrowNormWeight.atLeast(n);
      for (int i = 0; i < n; i++) {
        to[i] = (float) weight[i];
      }
      normWeight = weight;
    }
    return narrowNormWeight.atLeast(n);
  }

  @Override
  public void multiply(Rows a, Rows b, int batch, long token, int head) {
    int n = a.width();
    float[] x = row(n);
    float[] y = second(n);
    a.read(batch, token, head, x);
    b.read(batch, token, head, y);
    kernels.multiply(x, y, n);
    a.write(batch, token, head, x);
  }

  @Override
  public void add(Rows a, Rows b, int batch, long token, int head) {
    int n = a.width();
    float[] x = row(n);
    float[] y = second(n);
    a.read(batch, token, head, x);
    b.read(batch, token, head, y);
    for (int i = 0; i < n; i++) {
      x[i] += y[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void add(Rows a, double[] b, int batch, long token, int head) {
    int n = a.width();
    float[] x = row(n);
    a.read(batch, token, head, x);
    for (int i = 0; i < n; i++) {
      x[i] += (float) b[i];
    }
    a.write(batch, token, head, x);
  }

  @Override
  public void embed(EmbeddingTable table, int index, double factor, Rows out, int b, long token) {
    float[] x = row(out.width());
    table.read(index, x);
    kernels.scale(x, out.width(), (float) factor);
    out.write(b, token, 0, x);
  }

  @Override
  public void copy(
      Rows x, int batch, long token, int head, Rows out, int outBatch, long outToken, int outHead) {
    float[] r = row(x.width());
    x.read(batch, token, head, r);
    out.write(outBatch, outToken, outHead, r);
  }

  @Override
  public Product softmax(Tile a) {
    return OneDnn.softmax(arena, OneDnn.Matrix.of((Float32Tile) a, false));
  }

  @Override
  public void fill(Tile a, int rowIndex, int from, int to, double value) {
    float[] x = row(to - from);
    Arrays.fill(x, 0, to - from, (float) value);
    ((Float32Tile) a).write(rowIndex, from, x, to - from);
  }

  @Override
  public void appendToCache(
      CacheHead cache, int position, Rows k, Rows v, int batch, long token, int kvHead) {
    float[] x = row(Math.max(cache.keyWidth(), cache.valueWidth()));
    k.read(batch, token, kvHead, x);
    for (int i = 0; i < cache.keyWidth(); i++) {
      cache.setKey(position, i, x[i]);
    }
    v.read(batch, token, kvHead, x);
    for (int i = 0; i < cache.valueWidth(); i++) {
      cache.setValue(position, i, x[i]);
    }
    if (!kernels.allFinite(x, cache.valueWidth())) {
      cache.noteNonFinite(position);
    }
  }

  @Override
  public void loadKeys(CacheHead cache, int block, Tile dst) {
    Float32Tile tile = (Float32Tile) dst;
    ((FloatCacheRows) cache.keys(block)).load(kernels, row(tile.columns()), tile);
  }

  @Override
  public void loadValues(CacheHead cache, int block, Tile dst) {
    Float32Tile tile = (Float32Tile) dst;
    ((FloatCacheRows) cache.values(block)).load(kernels, row(tile.columns()), tile);
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
    float[] query = row(cache.keyWidth());
    float[] sum = second(cache.valueWidth());
    q.read(batch, token, head, query);
    kernels.scale(query, cache.keyWidth(), (float) scale);
    attention.attend(cache, from, count, query, sum);
    out.write(batch, token, head, sum);
  }
}
