package org.retention4j.bench.report;

/**
 * Work, traffic and memory of a row and the ceiling it is held to; null where it does not apply.
 *
 * @param flops useful FLOPs of a sample
 * @param flopsFormula how they were counted
 * @param bytes by formula: traffic of a timed row, size of a memory row
 * @param bytesFormula how they were counted
 * @param bytesMoved what the implementation really moves
 * @param bytesAllocated as allocated
 * @param rssPeak the process's largest resident size so far
 * @param gflops useful GFLOP/s
 * @param gbps GB/s by formula
 * @param gbpsMoved GB/s really moved
 * @param ceiling the figure the row is held to, in the unit of gflops or gbps
 * @param ceilingName what was measured for it
 * @param share of the ceiling
 * @param shareBeside share of the bare work that ran by turns with the row
 * @param error against the reference
 * @param bound what the error may be at most
 * @param value a figure of another kind: a ratio, nanoseconds, tokens
 * @param low lower end of its interval
 * @param high upper end of its interval
 * @param unit of value
 */
public record Cost(
    Double flops,
    String flopsFormula,
    Double bytes,
    String bytesFormula,
    Double bytesMoved,
    Double bytesAllocated,
    Long rssPeak,
    Double gflops,
    Double gbps,
    Double gbpsMoved,
    Double ceiling,
    String ceilingName,
    Double share,
    Double shareBeside,
    Double error,
    Double bound,
    Double value,
    Double low,
    Double high,
    String unit) {

  /** Costs nothing that was counted. */
  public static final Cost NONE = builder().build();

  /** Returns a builder with nothing set. */
  public static Builder builder() {
    return new Builder();
  }

  /** Collects a cost; see the record's components. */
  public static final class Builder {
    private Double flops;
    private String flopsFormula;
    private Double bytes;
    private String bytesFormula;
    private Double bytesMoved;
    private Double bytesAllocated;
    private Long rssPeak;
    private Double ceiling;
    private String ceilingName;
    private Double error;
    private Double bound;
    private Double value;
    private Double low;
    private Double high;
    private String unit;
    private Double nanos;
    private Double beside;

    private Builder() {}

    /** Sets the useful FLOPs of a sample. */
    public Builder flops(double count, String formula) {
      flops = count;
      flopsFormula = formula;
      return this;
    }

    /** Sets the bytes by formula. */
    public Builder bytes(double count, String formula) {
      bytes = count;
      bytesFormula = formula;
      return this;
    }

    /** Sets the bytes that are really moved. */
    public Builder moved(double count) {
      bytesMoved = count;
      return this;
    }

    /** Sets the bytes allocated. */
    public Builder allocated(double count) {
      bytesAllocated = count;
      return this;
    }

    /** Sets the process's peak. */
    public Builder rssPeak(long count) {
      rssPeak = count < 0 ? null : count;
      return this;
    }

    /** Sets the ceiling of the FLOP rate if FLOPs are set, else of the byte rate. */
    public Builder ceiling(double rate, String name) {
      ceiling = rate;
      ceilingName = name;
      return this;
    }

    /** Sets the rate of the bare work that ran by turns with the row, or null. */
    public Builder beside(Double rate) {
      beside = rate;
      return this;
    }

    /** Sets an error and its bound. */
    public Builder error(double measured, double atMost) {
      error = measured;
      bound = atMost;
      return this;
    }

    /** Sets a figure of another kind. */
    public Builder value(double figure, String itsUnit) {
      value = figure;
      unit = itsUnit;
      return this;
    }

    /** Sets the interval of the figure. */
    public Builder interval(double from, double to) {
      low = from;
      high = to;
      return this;
    }

    /** Sets the median time of a sample, from which rates follow. */
    public Builder nanos(double median) {
      nanos = median;
      return this;
    }

    private Double rate(Double count) {
      return count == null || nanos == null ? null : Double.valueOf(count / nanos);
    }

    private static Double share(Double rate, Double of) {
      return rate == null || of == null ? null : Double.valueOf(rate / of);
    }

    /** Returns the cost. */
    public Cost build() {
      Double gflops = rate(flops);
      Double gbps = rate(bytes);
      Double held = gflops == null ? gbps : gflops;
      return new Cost(
          flops,
          flopsFormula,
          bytes,
          bytesFormula,
          bytesMoved,
          bytesAllocated,
          rssPeak,
          gflops,
          gbps,
          rate(bytesMoved),
          ceiling,
          ceilingName,
          share(held, ceiling),
          share(held, beside),
          error,
          bound,
          value,
          low,
          high,
          unit);
    }
  }
}
