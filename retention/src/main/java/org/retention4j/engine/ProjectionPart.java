package org.retention4j.engine;

/** Some columns of a projection's result. */
sealed interface ProjectionPart
    permits DirectPart, PairedPart, RelaidPart, TermsPart, WidenedPart, HeapPart, Int8Part {
  /** Computes them. */
  void run(Float32Lane lane);

  /** Returns the product's implementation as oneDNN names it. */
  String implementation();
}
