package org.retention4j.bench.report;

/** What the overviews show, in their order. */
final class Subjects {
  /** Name, scope and form. */
  static final String[][] PREFILL = {
    {"retention block, parallel", "block", "parallel"},
    {"retention block, recurrent", "block", "recurrent"},
    {"retention block, chunkwise", "block", "chunkwise"},
    {"retention layer, parallel", "layer", "parallel"},
    {"retention layer, recurrent", "layer", "recurrent"},
    {"retention layer, chunkwise", "layer", "chunkwise"},
    {"Transformer layer", "layer", "attention"},
  };

  private Subjects() {}
}
