package org.retention4j.bench.report;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Locale;

/**
 * One measured line, as it stands in rows.jsonl.
 *
 * @param kind what was measured
 * @param scope core, block, layer or machine; of training, the shape
 * @param what in words
 * @param workload what it worked on
 * @param timing times
 * @param cost work, traffic, memory, ceiling
 * @param note what a reader must know to read the row right, or null
 * @param machine where
 */
public record Row(
    Kind kind,
    String scope,
    String what,
    @JsonUnwrapped Workload workload,
    @JsonUnwrapped Timing timing,
    @JsonUnwrapped Cost cost,
    String note,
    @JsonUnwrapped Machine machine) {

  /** What a row measures. */
  public enum Kind {
    /** A form against another, or against the float64 reference. */
    EQUIVALENCE,
    /** What the machine can do. */
    CEILING,
    /** Many tokens at once. */
    PREFILL,
    /** One token after another. */
    DECODE,
    /** Latency at a depth over latency at depth 0. */
    FLATNESS,
    /** The depth at which two layers are equally fast. */
    CROSSOVER,
    /** The recurrent core over the states of many layers. */
    CORE_STEP,
    /** The chunkwise core by chunk size. */
    CHUNK_SWEEP,
    /** Bytes allocated while decoding. */
    ALLOCATION,
    /** Bytes held. */
    MEMORY,
    /** Largest number of bytes held during a prefill, or a step of training. */
    PEAK,
    /** A step of training. */
    TRAINING,
    /** What a session costs that is kept, shared, drafted or served beside others. */
    SESSION,
    /** What there was no time or memory for. */
    SKIPPED;

    /** Returns the name in rows and tables. */
    @JsonValue
    public String label() {
      return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
  }

  /** Returns whether the row is of this kind, scope and form; null matches all. */
  public boolean is(Kind wanted, String wantedScope, String form) {
    return kind == wanted
        && (wantedScope == null || wantedScope.equals(scope))
        && (form == null || form.equals(workload.form()));
  }
}
